/** The configuration of nats-server for a fleet: three accounts, a user for every identity, JetStream in CONTROL alone. */
import {
  accountExports,
  issuerPermissions,
  joinPermissions,
  nodePermissions,
  operatorPermissions,
  type BusPermissions,
} from '../../shared/permissions.ts';

export type BusRole = 'node' | 'operator' | 'issuer';

export interface BusUser {
  readonly role: BusRole;
  readonly name: string;
  /** Public nkey (`U…`). */
  readonly login: string;
}

export interface NatsConfigOptions {
  readonly fleet: string;
  /** `host:port`; port -1 lets the server choose. */
  readonly listen: string;
  readonly storeDir: string;
  readonly serverName: string;
  readonly pidFile?: string | undefined;
  readonly portsDir?: string | undefined;
  readonly users: readonly BusUser[];
  /** Public nkey that servers without a credential log in with, to ask for one. @default nobody can */
  readonly joinLogin?: { readonly login: string; readonly token: string } | undefined;
  readonly maxPayloadBytes?: number | undefined;
}

export function renderNatsConfig(options: NatsConfigOptions): string {
  const { fleet, users } = options;
  const crossing = accountExports(fleet);
  const nodes = users.filter(({ role }) => role === 'node');
  const control = users.filter(({ role }) => role !== 'node');
  const quote = (text: string): string => JSON.stringify(text);
  const lines = [
    '# nats-server for Fleet. Written by `fleet init` and `fleet ca`, which will write it again: put what is yours',
    '# into a file of its own and `include` this one.',
    `server_name: ${quote(options.serverName)}`,
    `listen: ${quote(options.listen)}`,
    ...(options.pidFile === undefined ? [] : [`pid_file: ${quote(options.pidFile)}`]),
    ...(options.portsDir === undefined ? [] : [`ports_file_dir: ${quote(options.portsDir)}`]),
    ...(options.maxPayloadBytes === undefined ? [] : [`max_payload: ${options.maxPayloadBytes}`]),
    'jetstream {',
    `  store_dir: ${quote(options.storeDir)}`,
    '}',
    'accounts {',
    '  CONTROL {',
    '    jetstream: enabled',
    '    users: [',
    ...control.flatMap((user) => renderUser(user, fleet)),
    '    ]',
    '    exports: [',
    ...crossing.controlToNodes.streams.map((subject) => `      { stream: ${quote(subject)}, accounts: [NODES] }`),
    ...crossing.nodesToControl.services.map((subject) => `      { service: ${quote(subject)}, accounts: [NODES] }`),
    ...crossing.joinToControl.services.map((subject) => `      { service: ${quote(subject)}, accounts: [JOIN] }`),
    '    ]',
    '    imports: [',
    ...crossing.nodesToControl.streams.map(
      (subject) => `      { stream: { account: NODES, subject: ${quote(subject)} } }`,
    ),
    '    ]',
    '  }',
    '  NODES {',
    '    users: [',
    ...nodes.flatMap((user) => renderUser(user, fleet)),
    '    ]',
    '    exports: [',
    ...crossing.nodesToControl.streams.map((subject) => `      { stream: ${quote(subject)}, accounts: [CONTROL] }`),
    '    ]',
    '    imports: [',
    ...crossing.controlToNodes.streams.map(
      (subject) => `      { stream: { account: CONTROL, subject: ${quote(subject)} } }`,
    ),
    ...crossing.nodesToControl.services.map(
      (subject) => `      { service: { account: CONTROL, subject: ${quote(subject)} } }`,
    ),
    '    ]',
    '  }',
    '  JOIN {',
    '    users: [',
    ...(options.joinLogin === undefined
      ? []
      : renderLogin('join', options.joinLogin.login, joinPermissions(fleet, options.joinLogin.token))),
    '    ]',
    '    imports: [',
    ...crossing.joinToControl.services.map(
      (subject) => `      { service: { account: CONTROL, subject: ${quote(subject)} } }`,
    ),
    '    ]',
    '  }',
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function renderUser(user: BusUser, fleet: string): string[] {
  return renderLogin(`${user.role} ${user.name}`, user.login, permissionsOf(user, fleet));
}

function renderLogin(who: string, login: string, { publish, subscribe, answers }: BusPermissions): string[] {
  const list = (subjects: readonly string[]): string => subjects.map((subject) => JSON.stringify(subject)).join(', ');
  return [
    // A name may come from elsewhere: it must not end the comment.
    `      # ${who.replace(/[^\w. -]/g, '?')}`,
    `      { nkey: ${JSON.stringify(login)}, permissions: {`,
    `          publish: { allow: [${list(publish)}] }`,
    `          subscribe: { allow: [${list(subscribe)}] }${answers === true ? ', allow_responses: true' : ''} } }`,
  ];
}

function permissionsOf(user: BusUser, fleet: string): BusPermissions {
  switch (user.role) {
    case 'node':
      return nodePermissions(fleet, user.name);
    case 'operator':
      return operatorPermissions(fleet, user.name);
    case 'issuer':
      return issuerPermissions(fleet, user.name);
  }
}
