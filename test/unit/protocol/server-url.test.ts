import { expect, it } from 'vitest';
import { isServerUrl, ServerUrl } from '../../../shared/server-url.ts';

it.each(['nats://localhost', 'nats://localhost:4222', 'tls://bus.example.com:4222/', 'nats://[::1]:4222', 'nats://10.0.0.1:1'])(
  'takes %s',
  (text) => expect(isServerUrl(text)).toBe(true),
); // prettier-ignore

it.each([
  '', 'localhost:4222', 'http://localhost', 'nats://', 'nats://:4222', 'nats://[', 'nats://[::1', 'nats://host:99999', 'nats://host:0',
  'nats://host:port', 'nats://host:-1', 'nats://a b', 'nats://host/path', 'nats://user:secret@host', 'nats://host?x=1',
])('refuses "%s", and says what is right', (text) => {
  expect(ServerUrl.safeParse(text).error?.issues).toMatchObject([{ message: 'expected nats://HOST:PORT or tls://HOST:PORT' }]);
}); // prettier-ignore
