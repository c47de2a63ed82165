/** The examples of OpenAPI share these names; a test prepares data for them and plays each example. */
export const EXAMPLE = {
  user: 'ann',
  device: 'phone',
  group: 'group:staff',
  instance: 'trunkline-1',
  connection: 'm4xJ0QnPz8d1kqV2AAAB',
  message: '01963e1c-7a30-7b4e-9f64-2c8d1d1f7a10',
  dead: '01963e1c-7a30-7b4e-9f64-2c8d1d1f7a11',
  job: 'expired-messages',
  session: 'device:phone',
  at: '2030-01-01T09:00:00.000Z',
  later: '2030-01-01T09:00:30.000Z',
} as const;

const param = (description: string, example: string) => ({ description, example });

export const PARAM = {
  user: param('the user, percent-encoded', EXAMPLE.user),
  channel: param('percent-encoded, e.g. group%3Astaff', EXAMPLE.group),
  instance: param('as listed', EXAMPLE.instance),
  connection: param('as listed', EXAMPLE.connection),
  message: param('the id that the publish answered', EXAMPLE.message),
  dead: param('the id of the message', EXAMPLE.dead),
  job: param('as listed', EXAMPLE.job),
};

export const CONNECTION_EXAMPLE = {
  connectionId: EXAMPLE.connection,
  instanceId: EXAMPLE.instance,
  deviceId: EXAMPLE.device,
  connectedAt: EXAMPLE.at,
  address: '203.0.113.7',
};

export const INSTANCE_EXAMPLE = {
  instanceId: EXAMPLE.instance,
  startedAt: EXAMPLE.at,
  leaseExpiresAt: EXAMPLE.later,
  state: 'serving',
  connections: 1,
  channels: 3,
};

export const MESSAGE_HEAD_EXAMPLE = {
  channel: EXAMPLE.group,
  seq: 1,
  id: EXAMPLE.message,
  sender: null,
  type: 'notice',
  createdAt: EXAMPLE.at,
};

export const MESSAGE_EXAMPLE = { ...MESSAGE_HEAD_EXAMPLE, data: 'Tea is ready' };
