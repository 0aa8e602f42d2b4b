import { expect, it } from 'vitest';
import { Room } from '../../../agent/room.ts';
import { LIMITS } from '../../../shared/limits.ts';

it('who waits for a place gets the one that is given back, before anybody who comes', async () => {
  const room = new Room();
  for (let at = 0; at < LIMITS.concurrentCommands; at++) room.enter(at % 2 === 0 ? 'alice' : 'bob');
  const reserved = room.reserve();
  room.leave('alice');
  expect(() => room.enter('carol')).toThrow(/are running here already/);
  await reserved;
  room.giveBack();
  room.enter('carol');
  expect(() => room.enter('alice')).toThrow(/are running here already/);
});
