import type { z } from 'zod';
import type { ConnectionRow, SessionRow } from '#connection-manager';
import type { DeadLetterRow } from '#message-persistence';
import type { rest } from '#protocol';

/** Converts a connection to the form that REST shows. */
export function toConnectionView(row: ConnectionRow): z.infer<typeof rest.ConnectionView> {
  return {
    connectionId: row.connection_id,
    instanceId: row.instance_id,
    deviceId: row.device_id,
    connectedAt: row.connected_at.toISOString(),
    address: row.address,
  };
}

/** Converts a session to the form that REST shows. */
export function toSessionView(row: SessionRow): z.infer<typeof rest.SessionView> {
  return {
    sessionId: row.session_id,
    deviceId: row.device_id,
    startedAt: row.started_at.toISOString(),
    lastActivityAt: row.last_activity_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    endReason: row.end_reason,
    openConnections: row.open_connections,
    connections: row.connections,
    instanceId: row.instance_id,
    address: row.address,
    userAgent: row.user_agent,
  };
}

/** A dead letter as REST shows it. */
export function toDeadLetterView(row: DeadLetterRow): z.infer<typeof rest.DeadLetter> {
  return {
    messageId: row.message_id,
    channel: row.channel,
    seq: row.seq,
    user: row.user_id,
    deviceId: row.device_id,
    attempts: row.attempts,
    error: row.error,
    diedAt: row.died_at.toISOString(),
  };
}
