import type { z } from 'zod';
import type { admin, rest } from '#protocol';
import type { BanRow } from './sql/bans.sql.js';
import type { ConnectionRow } from './sql/find-connections.sql.js';
import type { SessionRow } from './sql/sessions.sql.js';

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

/** Converts a ban to the form that operators see. */
export function toBanView({ reason, banned_at, banned_until }: BanRow): z.infer<typeof admin.BanView> {
  const until = banned_until instanceof Date ? banned_until.toISOString() : null;
  return { reason, since: banned_at.toISOString(), until };
}
