import { DataSourcePlugin } from '@grafana/data';

import { ConfigEditor } from './components/ConfigEditor';
import { QueryEditor } from './components/QueryEditor';
import { DataSource } from './datasource';
import { WattScoreOptions, WattScoreQuery, WattScoreSecureOptions } from './types';

export const plugin = new DataSourcePlugin<DataSource, WattScoreQuery, WattScoreOptions, WattScoreSecureOptions>(
  DataSource
)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor);
