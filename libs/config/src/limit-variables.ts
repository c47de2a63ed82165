import { z } from 'zod';
import { choice, whole } from './variable.js';

/** The variables of the environment that limit one client, user, address or key. */
export const LimitVariables = z.object({
  // REST, addresses and strangers.
  KEY_REQUESTS_PER_S: whole(0, 1_000_000, 10_000).describe(
    'requests a second that one API or admin key may make to an instance, twice as many at once; more are answered 429 (4010); 0: any number',
  ),
  KEY_BYTES_PER_S: whole(0, 1_073_741_824, 16_777_216).describe(
    'bytes a second of request bodies that one key may send to an instance, twice as many at once; more is answered 429 (4010); 0: any number',
  ),
  STRANGER_REQUESTS_PER_S: whole(0, 1_000_000, 50).describe(
    'HTTP requests a second without a good key that one address may make to an instance, health aside, four times as many at once; more are answered 429 (4010); a good key passes all the same; 0: any number',
  ),
  SUSPICIONS_PER_MINUTE: whole(0, 1_000_000, 30).describe(
    'wrong keys, refused tokens, floods and half-open connections of one address in a minute; beyond, requests of it with a wrong key or none are answered 429 (4010) for a minute; a good key passes all the same; 0: any number',
  ),
  MAX_PENDING_PER_ADDRESS: whole(0, 1_000_000, 2_000).describe(
    'TCP connections of one address to an instance that have neither shown a good key nor become a WebSocket; at the limit the oldest of them is closed, so that quick clients come in; proxies of TRUST_PROXY are exempt; 0: any number',
  ),
  API_DOCS: choice(['on', 'off'], 'on')
    .unwrap()
    .optional()
    .describe('on: the REST is described at /docs, for everybody; left out: on, in production off'),
  HEALTH_DETAILS: choice(['on', 'off'], 'on')
    .unwrap()
    .optional()
    .describe(
      'on: /health tells everybody how each part is, off: only who shows an API or admin key, and everybody else its status; left out: on, in production off; the probes below it are always open',
    ),
  // What one client may send, and what may wait for it.
  MAX_REQUESTS_PER_S: whole(0, 1_000_000, 200).describe(
    'requests of a connection, acknowledgements aside; as many as ten seconds allow may come at once, what is beyond is refused unread (4010), and who goes on is closed; 0: any number',
  ),
  MAX_REQUESTS_PER_S_PER_USER: whole(0, 1_000_000, 400).describe(
    'the same for all connections of a user on an instance together; 0: any number',
  ),
  MAX_BYTES_PER_S: whole(0, 1_073_741_824, 524_288).describe(
    'bytes of the requests of a connection, and a quarter of those of long answers, limited as their number is; 0: any number',
  ),
  MAX_BYTES_PER_S_PER_USER: whole(0, 1_073_741_824, 1_048_576).describe(
    'the same for all connections of a user on an instance together; 0: any number',
  ),
  MAX_ACKS_PER_S: whole(0, 1_000_000, 1_000).describe(
    'acknowledgements of a connection, each 256 bytes counted as one, limited as requests are (4010); 0: any number',
  ),
  MAX_ACKS_PER_S_PER_USER: whole(0, 1_000_000, 2_000).describe(
    'the same for all connections of a user on an instance together; 0: any number',
  ),
  MAX_WAITING_BYTES: whole(0, 1_073_741_824, 2_097_152).describe(
    'bytes of a connection that wait: requests not answered yet, each with 512 more, and what its network has not taken; beyond it is not read from, and closed after 30 s (4003); 0: any number',
  ),
  MAX_WAITING_BYTES_PER_USER: whole(0, 1_073_741_824, 8_388_608).describe(
    'the same for all connections of a user on an instance together; 0: any number',
  ),
  MAX_WAITING_BYTES_IN_ALL: whole(0, 68_719_476_736, 100_663_296).describe(
    'the same for an instance; beyond it requests of more than 4 KiB are refused (4003), and whoever has left most unread is closed; 0: any number',
  ),
  MAX_HALF_OPEN: whole(1, 1_000_000, 1_000).describe(
    'WebSockets of an instance on which nobody has been let in yet; beyond it the address that has most of them gives up its oldest',
  ),
  CONNECT_TIMEOUT_MS: whole(100, 600_000, 10_000).describe(
    'how long a client may take from its upgrade to a good token before its WebSocket is closed',
  ),
  MAX_HANDSHAKES_PER_S_PER_ADDRESS: whole(0, 1_000_000, 2_000).describe(
    'upgrades of one address to an instance; as many as ten seconds allow may come at once, what is beyond is refused with HTTP 429; 0: any number',
  ),
  MAX_REFUSED_TOKENS_PER_S_PER_ADDRESS: whole(0, 1_000_000, 10).describe(
    'tokens of one address that an instance refuses with their reason; beyond it a wrong token is told to come back later (4010), while a right one is let in as ever; 0: any number',
  ),
  // What a user may own.
  MAX_DEVICES_PER_USER: whole(0, 100_000, 50).describe(
    'devices of one user that are remembered; one more takes the place of the one not seen for longest, or is refused (1019) if all were seen within a day; 0: any number',
  ),
  MAX_GROUPS_PER_USER: whole(0, 100_000, 1_000).describe(
    'groups that a user may be in when it joins one more by itself (1019); a back end may add it to any number; 0: any number',
  ),
  MAX_SCHEDULED_PER_USER: whole(0, 1_000_000, 1_000).describe(
    'scheduled messages of one user that may wait for their time (1019); of an API key any number; 0: any number',
  ),
  // Limits that hold for all instances together.
  MAX_PUBLISHES_PER_USER_PER_S: whole(0, 1_000_000, 100).describe(
    'messages that a user may publish or schedule in any second, on all instances together, before more are refused (4010) with the time to come back after; 0: any number',
  ),
  MAX_PUBLISHES_PER_KEY_PER_S: whole(0, 1_000_000, 0).describe(
    'the same for each API key, whose batches count by their items; 0: any number, since back ends are trusted, and what they wait for is bounded by MAX_WAITING_PUBLISHES',
  ),
  MAX_LOGINS_PER_USER_PER_MIN: whole(0, 1_000_000, 300).describe(
    'connections that a user may open in any minute, on all instances together, before more are told when to come back (4010); 0: any number',
  ),
  MAX_CLUSTER_CONNECTIONS: whole(0, 100_000_000, 0).describe(
    'connections of all instances together before more are told when to come back (4011); 0: any number, which is MAX_CONNECTIONS on each instance',
  ),
  MAX_CLUSTER_CONNECTIONS_PER_USER: whole(0, 1_000_000, 0).describe(
    'connections of one user on all instances together before more are told when to come back (4007); 0: any number, which is MAX_CONNECTIONS_PER_USER on each instance',
  ),
});
export type LimitVariables = z.infer<typeof LimitVariables>;
