export type { ChannelPage, Entry, ReadRequest } from './channel-page.js';
export { Devices, type DeviceKey, type Position } from './devices.js';
export { Groups } from './groups.js';
export { JobDiary } from './job-diary.js';
export { MessageLog, type Appended, type MessageStatus, type NewMessage } from './message-log.js';
export { Retention } from './retention.js';
export { Settlements, type Settlement } from './settlements.js';
export type { StoredMessage } from './stored-message.js';
