import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import type { TrunklineOptions } from './trunkline-options.js';
import { Trunkline, TRUNKLINE_OPTIONS } from './trunkline.js';

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<TrunklineOptions>({
  optionsInjectionToken: TRUNKLINE_OPTIONS,
})
  .setClassMethodName('forRoot')
  .build();

/**
 * Runs Trunkline inside a Nest application, at a path of its own: `TrunklineModule.forRoot(options)`, or
 * `forRootAsync({ inject, useFactory })`. What it needs of Nest it has in an application of its own, so filters, pipes,
 * guards, CORS and the Socket.IO server of the host stay as they are, and meet none of its requests.
 */
@Module({ providers: [Trunkline], exports: [Trunkline] })
export class TrunklineModule extends ConfigurableModuleClass {}
