/** The section of docs/protocol.md on users, which no schema describes. */
export const USERS = `
A user is the \`sub\` of its token: any text of 1 to 200 characters without control characters, as identity providers make
them, such as \`auth0|5f7c\`, \`Ann Lee\` or \`jürgen\`. Wherever a user is named (\`sender\`, \`exceptUser\`, \`ready.user\`, presence,
REST) the id stands as it is.

The inbox of a user is the channel \`user:<id>\`. In the name of a channel each character other than \`A-Z a-z 0-9 . _ : @ / + -\`
stands as its bytes in UTF-8, each as \`%\` and two upper-case hexadecimal digits: the inbox of \`auth0|5f7c\` is
\`user:auth0%7C5f7c\`. The name may have 605 characters, so an id of, say, Chinese characters may have 66. The SQL function
\`trunkline.inbox(user_id)\` gives the name, and in JavaScript:

\`\`\`js
const hex = (byte) => '%' + byte.toString(16).toUpperCase().padStart(2, '0');
const encode = (character) => Array.from(new TextEncoder().encode(character), hex).join('');
const inboxOf = (user) => 'user:' + user.replace(/[^A-Za-z0-9._:@/+-]/gu, encode);
\`\`\`

In the path of a URL both are percent-encoded as usual: \`/v1/users/auth0%7C5f7c/sessions\`, and, a channel whose name has
a \`%\` in it, \`/v1/channels/user%3Aauth0%257C5f7c/messages\`.

The claim \`grants\` of a token lists what its user may do beyond reading its inbox, its groups and broadcast and publishing
to its groups: \`verb:pattern\` with the verbs \`publish\`, \`subscribe\`, \`join\`, \`presence\` and \`receipts\`. A pattern is the name of a channel
as it stands on the wire, or the beginning of one and \`*\`: \`publish:user:auth0%7C5f7c\`, \`publish:user:auth0%7C*\`, \`join:group:staff\`.
`;

/** The section on tokens, their clocks, and what ends a session. */
export const TOKENS = `
A token is a JWT, signed with HS256 and \`JWT_SECRET\`. It needs \`sub\` and \`exp\`, and may have \`iat\`, \`nbf\`, \`sid\`, \`jti\` and
\`grants\`; times are seconds and may have fractions. Give it an \`iat\`: one without counts as issued before every
revocation, and is refused for good after one. A refusal (2xxx) says in its text what is wrong with the token; of one
that is not signed by us it says that alone.

**Clocks** may differ by \`TOKEN_CLOCK_TOLERANCE_MS\` (10 s): a token is good for as long before its \`nbf\` and after its \`exp\`,
by the clock of the instance, and its \`iat\` may lie as far ahead of the database’s clock. \`token_expiring\` comes
\`TOKEN_NOTICE_MS\` before \`exp\`; the connection is closed (2003) when the token would not be let in any more.

**A session** is one login. It is named by \`sid\`, which every token of that login carries; without a \`sid\`, the session is
that of the user’s device, and its tokens are those that were shown on it. \`token\` goes on with a token of the same user
and session only: one without the \`sid\` would outlive the revocation of it, and is refused (2002).

What ends a session closes its connections on every instance, at once by a hint or else with the next poll (\`POLL_MS\`), and
refuses its tokens (2005):

| what                                                                        | is refused from then on                                                                                                                                  |
| --------------------------------------------------------------------------- | -------------------------------------------------------------------------------------------------------------------------------------------------------- |
| \`logout\`, \`DELETE /v1/users/:id/sessions/:sessionId\`, of a session with a \`sid\` | every token with this \`sid\`                                                                                                                              |
| the same, of a session without one                                          | every token that it was shown, on whichever device it is shown next; on its own device also what was issued before and never shown, but for the tolerance |
| \`DELETE /v1/users/:id/sessions\`                                             | every token of the user that was ever shown, every \`sid\` that was, and whatever was issued before and never shown, but for the tolerance                  |
| a ban, \`PUT /admin/v1/users/:user/ban\`                                      | every token of the user (2006), until the ban ends or is lifted                                                                                          |

“But for the tolerance”: a token that nobody has shown and that was issued in the last \`TOKEN_CLOCK_TOLERANCE_MS\` before a
revocation is let in, because it may as well be the next login by the clock of an issuer that is behind. A token that was
shown is never let in again. A new login is let in at once, as long as its token is another one: give each token a \`jti\`,
or two of the same second are the same token. Two devices that show one token without a \`sid\` are logged out together.
A revocation is remembered for \`SESSION_RETENTION_DAYS\` and for as long as the tokens that were shown are good; tokens
should not live longer than that. Sessions that merely expire or are idle for \`SESSION_IDLE_DAYS\` refuse nothing.

**Renewing.** \`token\` renews the connection and nothing else: after a drop Socket.IO shows again what its \`auth\` holds. Give
it a function, and keep the newest token where that function finds it:

\`\`\`js
const socket = io(url, { transports: ['websocket'], auth: (show) => show({ token: newestToken, deviceId }) });
socket.on('token_expiring', async () => {
  newestToken = await askTheIssuer();
  await socket.emitWithAck('token', { token: newestToken });
});
\`\`\`

**Rights** are those of the newest token. \`publish\`, \`schedule\`, \`cancel\`, \`history\` and \`presence\` look at them each time. A
\`subscribe\` or \`watch\` that a new token does not grant ends, and the event \`ended\` says so before \`token\` is answered. A
membership does not end: \`join\` needs its grant once, and then the user is a member until it leaves or is removed.
`;

/** The section on receipts: what each says, and what it leaves out. */
export const RECEIPTS = `
A publisher that gives \`receipts\` is told how far its readers have come: a message of the type \`trunkline.receipt\`, without a
sender, comes to its own inbox, like any other message. Its \`data\`:
`;

export const RECEIPTS_IN_DETAIL = `
- A receipt is cumulative: the reader has received, or read, all of your messages in that channel up to \`seq\` that asked
  for this state. What one reader acknowledges at once makes one receipt, however many messages and devices it has.
- The \`seq\` of a reader, channel and state grows from one receipt to the next. Nothing is reported twice: a second device that
  acknowledges the same makes no receipt.
- If you are away meanwhile, you get the newest receipt of each reader, channel and state when you come back.
- A receipt does not speak of messages before its \`seq\` that the reader was never to get: those that expired, were cancelled,
  collapsed or given up, or that another of its devices took (\`first-device\`). \`GET /v1/messages/:id\` tells of one
  message and each device what became of it.
- Your own devices make no receipts, nor do those who read a group with \`subscribe\` and are no members of it.
- In a group with more than \`RECEIPTS_MAX_MEMBERS\` members, and in \`broadcast\`, a publish that asks for receipts needs the right
  \`receipts:<channel>\`; without it the publish is refused (3001). A group that grows counts with its new size within ten seconds.
`;
