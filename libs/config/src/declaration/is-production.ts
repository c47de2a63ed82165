import { setting } from '../setting.js';
import { choice } from '../variable-types.js';

export const isProduction = setting('NODE_ENV', choice('development', 'production', 'test'), {
  default: 'development',
  doc: 'production refuses the embedded database, generated secrets and API keys',
}).as((mode) => mode === 'production');
