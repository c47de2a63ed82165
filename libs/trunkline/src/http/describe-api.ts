import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** Serves the OpenAPI description at /docs, and as JSON at /docs-json; `path` is the path above them. */
export function describeApi(app: INestApplication, path: string, hasAdmin: boolean): void {
  const config = new DocumentBuilder()
    .setTitle('Trunkline')
    .setDescription('REST for back ends. Clients speak Socket.IO: see docs/protocol.md.')
    .addBearerAuth({ type: 'http', description: 'a secret of API_KEYS' });
  if (path !== '') config.addServer(path);
  if (hasAdmin) config.addBearerAuth({ type: 'http', description: 'a secret of ADMIN_API_KEYS' }, 'admin');
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, config.build()));
}
