import { expect, it } from 'vitest';
import { SERVER_URL_EXPECTED, ServerUrl } from '../../../shared/server-url.ts';

it.each([
  ['nats://localhost', 'nats://localhost:4222'],
  ['nats://localhost:4222', 'nats://localhost:4222'],
  ['tls://bus.example.com:4222/', 'tls://bus.example.com:4222'],
  ['nats://[::1]:4222', 'nats://[::1]:4222'],
  ['[::1]', 'tls://[::1]:4222'],
  ['10.0.0.1', 'tls://10.0.0.1:4222'],
  ['bus.example.com:443', 'tls://bus.example.com:443'],
  ['localhost:4222', 'tls://localhost:4222'],
])('takes %s as %s: with TLS, unless it says nats://', (text, url) => {
  expect(ServerUrl.parse(text)).toBe(url);
});

it.each([
  '', 'http://localhost', 'nats://', 'nats://:4222', 'nats://[', 'nats://[::1', 'nats://host:99999', 'nats://host:0', ':4222', 'host:0',
  'nats://host:port', 'nats://host:-1', 'nats://a b', 'nats://host/path', 'nats://user:secret@host', 'nats://host?x=1', 'host/path', '::1',
])('refuses "%s", and says what is right', (text) => {
  expect(ServerUrl.safeParse(text).error?.issues).toMatchObject([{ message: SERVER_URL_EXPECTED }]);
}); // prettier-ignore
