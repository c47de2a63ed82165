import { Messages1763600000000 } from './1763600000000-messages.js';
import { Append1763600100000 } from './1763600100000-append.js';
import { Recipients1763600200000 } from './1763600200000-recipients.js';
import { Registry1763600300000 } from './1763600300000-registry.js';
import { Outbox1763600400000 } from './1763600400000-outbox.js';
import { Ledger1763600500000 } from './1763600500000-ledger.js';
import { Sessions1763600600000 } from './1763600600000-sessions.js';
import { Presence1763600700000 } from './1763600700000-presence.js';
import { Fencing1763600800000 } from './1763600800000-fencing.js';
import { Retention1763600900000 } from './1763600900000-retention.js';
import { Admin1763601000000 } from './1763601000000-admin.js';
import { AppendArrays1763601100000 } from './1763601100000-append-arrays.js';
import { Inboxes1763602000000 } from './1763602000000-inboxes.js';
import { Revocations1763602100000 } from './1763602100000-revocations.js';
import { PresenceOfAnyUser1763602110000 } from './1763602110000-presence-of-any-user.js';
import { Present1763602200000 } from './1763602200000-present.js';
import { PublishText1763602210000 } from './1763602210000-publish-text.js';
import { Keys1763602300000 } from './1763602300000-keys.js';
import { ServiceTime1763602310000 } from './1763602310000-service-time.js';
import { Erasure1763602320000 } from './1763602320000-erasure.js';
import { Explanations1763602400000 } from './1763602400000-explanations.js';
import { DeliveryStatus1763602410000 } from './1763602410000-delivery-status.js';
import { EnrolledAt1763602950000 } from './1763602950000-enrolled-at.js';
import { ErasureOfOne1763602960000 } from './1763602960000-erasure-of-one.js';
import { InboxNames1763602970000 } from './1763602970000-inbox-names.js';
import { SearchPaths1763603000000 } from './1763603000000-search-paths.js';
import { ScheduledIds1763603010000 } from './1763603010000-scheduled-ids.js';
import { LimitShares1763603100000 } from './1763603100000-limit-shares.js';
import { Suspects1763603200000 } from './1763603200000-suspects.js';
import { Owned1763603300000 } from './1763603300000-owned.js';
import { Receipts1763603400000 } from './1763603400000-receipts.js';
import { DotInboxes1763603500000 } from './1763603500000-dot-inboxes.js';

/** In the order they are applied. */
export const MIGRATIONS = [
  Messages1763600000000,
  Append1763600100000,
  Recipients1763600200000,
  Registry1763600300000,
  Outbox1763600400000,
  Ledger1763600500000,
  Sessions1763600600000,
  Presence1763600700000,
  Fencing1763600800000,
  Retention1763600900000,
  Admin1763601000000,
  AppendArrays1763601100000,
  Inboxes1763602000000,
  Revocations1763602100000,
  PresenceOfAnyUser1763602110000,
  Present1763602200000,
  PublishText1763602210000,
  Keys1763602300000,
  ServiceTime1763602310000,
  Erasure1763602320000,
  Explanations1763602400000,
  DeliveryStatus1763602410000,
  EnrolledAt1763602950000,
  ErasureOfOne1763602960000,
  InboxNames1763602970000,
  SearchPaths1763603000000,
  ScheduledIds1763603010000,
  LimitShares1763603100000,
  Suspects1763603200000,
  Owned1763603300000,
  Receipts1763603400000,
  DotInboxes1763603500000,
];
