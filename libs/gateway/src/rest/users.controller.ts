import { Controller, Delete, Get, Param, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { Presence, Registry, Sessions } from '#connection-manager';
import {
  Action,
  AuditInterceptor,
  Documented,
  FairQueueInterceptor,
  SchemaPipe,
  toConnectionView,
  toSessionView,
} from '#http';
import { ProtocolError, UserId, inboxOf, rest } from '#protocol';
import { ApiKeyGuard } from './api-key.guard.js';

const USER = { id: 'the user, percent-encoded' };

/** Serves the REST routes about users, for back ends. */
@ApiTags('users')
@Controller('v1/users')
@UseGuards(ApiKeyGuard)
@UseInterceptors(FairQueueInterceptor)
export class UsersController {
  constructor(
    private readonly registry: Registry,
    private readonly sessions: Sessions,
    private readonly presence: Presence,
  ) {}

  @Get(':id/connections')
  @Documented({
    summary: 'Where a user is connected now, on every instance',
    params: USER,
    answer: rest.ConnectionsAnswer,
    errors: ['BAD_REQUEST'],
  })
  async connections(
    @Param('id', new SchemaPipe(UserId)) user: string,
  ): Promise<z.infer<typeof rest.ConnectionsAnswer>> {
    const rows = await this.registry.connectionsOf(user);
    return {
      ok: true,
      user,
      connections: rows.map(toConnectionView),
    };
  }

  @Get(':id/presence')
  @Documented({
    summary: 'Whether a user is online, on any instance, and when it was last seen',
    params: USER,
    answer: rest.UserPresenceAnswer,
    errors: ['BAD_REQUEST'],
  })
  async presenceOf(
    @Param('id', new SchemaPipe(UserId)) user: string,
  ): Promise<z.infer<typeof rest.UserPresenceAnswer>> {
    const { users } = await this.presence.of(inboxOf(user));
    return { ok: true, ...(users[0] ?? { user, isOnline: false, lastSeenAt: null }) };
  }

  @Get(':id/sessions')
  @Documented({
    summary: 'The logins of a user on its devices, across connections and instances',
    params: USER,
    answer: rest.SessionsAnswer,
    errors: ['BAD_REQUEST'],
  })
  async listSessions(@Param('id', new SchemaPipe(UserId)) user: string): Promise<z.infer<typeof rest.SessionsAnswer>> {
    return { ok: true, user, sessions: (await this.sessions.list(user)).map(toSessionView) };
  }

  @Delete(':id/sessions')
  @Action('revoke-sessions')
  @UseInterceptors(AuditInterceptor)
  @Documented({
    summary:
      'Revoke all sessions of a user: its connections are closed within seconds, what was issued so far is refused',
    description:
      'A login that comes afterwards is let in. Each token that was ever shown is refused; one that was not is refused if it was issued more than TOKEN_CLOCK_TOLERANCE_MS ago.',
    params: USER,
    answer: rest.SessionsEndedAnswer,
    errors: ['BAD_REQUEST'],
  })
  async revokeAll(
    @Param('id', new SchemaPipe(UserId)) user: string,
  ): Promise<z.infer<typeof rest.SessionsEndedAnswer>> {
    return { ok: true, user, ended: await this.sessions.endAll(user) };
  }

  @Delete(':id/sessions/:sessionId')
  @Action('revoke-session')
  @UseInterceptors(AuditInterceptor)
  @Documented({
    summary: 'Revoke a session: its connections are closed within seconds, its tokens are refused from now on',
    params: { ...USER, sessionId: 'as listed, percent-encoded' },
    answer: rest.SessionEndedAnswer,
    errors: ['BAD_REQUEST', 'NOT_FOUND'],
  })
  async revoke(
    @Param('id', new SchemaPipe(UserId)) user: string,
    @Param('sessionId', new SchemaPipe(rest.SessionId)) sessionId: string,
  ): Promise<z.infer<typeof rest.SessionEndedAnswer>> {
    const isKnown = await this.sessions.end({ user, sessionId }, 'revoked');
    if (!isKnown)
      throw new ProtocolError('NOT_FOUND', 'the user has had no such session; one begins with its first connection');
    return { ok: true, user, sessionId };
  }
}
