import CopyWebpackPlugin from 'copy-webpack-plugin';
import type { Configuration } from 'webpack';
import { merge } from 'webpack-merge';

import baseConfig, { type Env } from './.config/webpack/webpack.config.ts';

/** The scaffold's build, and the dashboards that ship with the plugin. */
const config = async (env: Env): Promise<Configuration> =>
  merge(await baseConfig(env), {
    plugins: [new CopyWebpackPlugin({ patterns: [{ from: '../dashboards/*.json', to: 'dashboards/[name][ext]' }] })],
  });

export default config;
