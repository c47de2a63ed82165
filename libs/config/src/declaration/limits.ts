import { setting } from '../setting.js';
import { isOn, onOff, whole } from '../variable-types.js';
import { isProduction } from './is-production.js';

/** The limits of REST on an instance, and of the addresses that have shown it no good key. */
export const rest = {
  keyRequestsPerS: setting('KEY_REQUESTS_PER_S', whole(0, 1_000_000), {
    default: 10_000,
    doc: 'requests a second that one API or admin key may make to an instance, twice as many at once; more are answered 429 (4010); 0: any number',
  }),
  keyBytesPerS: setting('KEY_BYTES_PER_S', whole(0, 1_073_741_824), {
    default: 16_777_216,
    doc: 'bytes a second of request bodies that one key may send to an instance, twice as many at once; more is answered 429 (4010); 0: any number',
  }),
  strangerRequestsPerS: setting('STRANGER_REQUESTS_PER_S', whole(0, 1_000_000), {
    default: 50,
    doc: 'HTTP requests a second without a good key that one address may make to an instance, health aside, four times as many at once; more are answered 429 (4010); a good key passes all the same; 0: any number',
  }),
  suspicionsPerMinute: setting('SUSPICIONS_PER_MINUTE', whole(0, 1_000_000), {
    default: 30,
    doc: 'wrong keys, refused tokens, floods and half-open connections of one address in a minute; beyond, requests of it with a wrong key or none are answered 429 (4010) for a minute; a good key passes all the same; 0: any number',
  }),
  maxPendingPerAddress: setting('MAX_PENDING_PER_ADDRESS', whole(0, 1_000_000), {
    default: 2_000,
    doc: 'TCP connections of one address to an instance that have neither shown a good key nor become a WebSocket; at the limit the oldest of them is closed, so that quick clients come in; proxies of TRUST_PROXY are exempt; 0: any number',
  }),
  /** The REST is described at /docs. */
  hasDocs: setting('API_DOCS', onOff, {
    doc: 'on: the REST is described at /docs, for everybody; left out: on, in production off',
  }).as((docs, read) => (docs === undefined ? !read(isProduction) : isOn(docs))),
  /** /health tells everybody how each part is. */
  showsHealth: setting('HEALTH_DETAILS', onOff, {
    doc: 'on: /health tells everybody how each part is, off: only who shows an API or admin key, and everybody else its status; left out: on, in production off; the probes below it are always open',
  }).as((details, read) => (details === undefined ? !read(isProduction) : isOn(details))),
};

/** The limits of what clients may send to an instance, of what may wait for them there, and of how many may be on their way in. */
export const sockets = {
  perConnection: {
    requestsPerS: setting('MAX_REQUESTS_PER_S', whole(0, 1_000_000), {
      default: 200,
      doc: 'requests of a connection, acknowledgements aside; as many as three seconds allow may come at once; one too many is refused unread (4010), nothing more is read for a moment, and who goes on is closed; 0: any number',
    }),
    bytesPerS: setting('MAX_BYTES_PER_S', whole(0, 1_073_741_824), {
      default: 524_288,
      doc: 'bytes of the requests of a connection, and a quarter of those of long answers, limited as their number is; 0: any number',
    }),
    acksPerS: setting('MAX_ACKS_PER_S', whole(0, 1_000_000), {
      default: 1_000,
      doc: 'acknowledgements of a connection, each 256 bytes counted as one, limited as requests are (4010); 0: any number',
    }),
  },
  perUser: {
    requestsPerS: setting('MAX_REQUESTS_PER_S_PER_USER', whole(0, 1_000_000), {
      default: 400,
      doc: 'the same for all connections of a user on an instance together; 0: any number',
    }),
    bytesPerS: setting('MAX_BYTES_PER_S_PER_USER', whole(0, 1_073_741_824), {
      default: 1_048_576,
      doc: 'the same for all connections of a user on an instance together; 0: any number',
    }),
    acksPerS: setting('MAX_ACKS_PER_S_PER_USER', whole(0, 1_000_000), {
      default: 2_000,
      doc: 'the same for all connections of a user on an instance together; 0: any number',
    }),
  },
  maxWaitingBytes: {
    connection: setting('MAX_WAITING_BYTES', whole(0, 1_073_741_824), {
      default: 2_097_152,
      doc: 'bytes of a connection that wait: requests not answered yet, each with 512 more, and what its network has not taken; beyond it is not read from, and closed after 30 s (4003); 0: any number',
    }),
    user: setting('MAX_WAITING_BYTES_PER_USER', whole(0, 1_073_741_824), {
      default: 8_388_608,
      doc: 'the same for all connections of a user on an instance together; 0: any number',
    }),
    instance: setting('MAX_WAITING_BYTES_IN_ALL', whole(0, 68_719_476_736), {
      default: 100_663_296,
      doc: 'the same for an instance; beyond it requests of more than 4 KiB are refused (4003), and whoever has left most unread is closed; 0: any number',
    }),
  },
  maxHalfOpen: setting('MAX_HALF_OPEN', whole(1, 1_000_000), {
    default: 1_000,
    doc: 'WebSockets of an instance on which nobody has been let in yet; beyond it the address that has most of them gives up its oldest',
  }),
  connectTimeoutMs: setting('CONNECT_TIMEOUT_MS', whole(100, 600_000), {
    default: 10_000,
    doc: 'how long a client may take from its upgrade to a good token before its WebSocket is closed',
  }),
  handshakesPerS: setting('MAX_HANDSHAKES_PER_S_PER_ADDRESS', whole(0, 1_000_000), {
    default: 2_000,
    doc: 'upgrades of one address to an instance; as many as ten seconds allow may come at once, what is beyond is refused with HTTP 429; 0: any number',
  }),
  refusedTokensPerS: setting('MAX_REFUSED_TOKENS_PER_S_PER_ADDRESS', whole(0, 1_000_000), {
    default: 10,
    doc: 'tokens of one address that an instance refuses with their reason; beyond it a wrong token is told to come back later (4010), while a right one is let in as ever; 0: any number',
  }),
};

/** How much one user may own. */
export const owned = {
  maxDevices: setting('MAX_DEVICES_PER_USER', whole(0, 100_000), {
    default: 50,
    doc: 'devices of one user that are remembered; one more takes the place of the one not seen for longest, or is refused (1019) if all were seen within a day; 0: any number',
  }),
  maxGroups: setting('MAX_GROUPS_PER_USER', whole(0, 100_000), {
    default: 1_000,
    doc: 'groups that a user may be in when it joins one more by itself (1019); a back end may add it to any number; 0: any number',
  }),
  maxScheduled: setting('MAX_SCHEDULED_PER_USER', whole(0, 1_000_000), {
    default: 1_000,
    doc: 'scheduled messages of one user that may wait for their time (1019); of an API key any number; 0: any number',
  }),
};

/** The limits that hold for all instances together. */
export const sharedLimits = {
  publishesPerUserPerS: setting('MAX_PUBLISHES_PER_USER_PER_S', whole(0, 1_000_000), {
    default: 100,
    doc: 'messages that a user may publish or schedule in any second, on all instances together, before more are refused (4010) with the time to come back after; 0: any number',
  }),
  publishesPerKeyPerS: setting('MAX_PUBLISHES_PER_KEY_PER_S', whole(0, 1_000_000), {
    default: 0,
    doc: 'the same for each API key, whose batches count by their items; 0: any number, since back ends are trusted, and what they wait for is bounded by MAX_WAITING_PUBLISHES',
  }),
  loginsPerUserPerMin: setting('MAX_LOGINS_PER_USER_PER_MIN', whole(0, 1_000_000), {
    default: 300,
    doc: 'connections that a user may open in any minute, on all instances together, before more are told when to come back (4010); 0: any number',
  }),
  connections: setting('MAX_CLUSTER_CONNECTIONS', whole(0, 100_000_000), {
    default: 0,
    doc: 'connections of all instances together before more are told when to come back (4011); 0: any number, which is MAX_CONNECTIONS on each instance',
  }),
  connectionsPerUser: setting('MAX_CLUSTER_CONNECTIONS_PER_USER', whole(0, 1_000_000), {
    default: 0,
    doc: 'connections of one user on all instances together before more are told when to come back (4007); 0: any number, which is MAX_CONNECTIONS_PER_USER on each instance',
  }),
};
