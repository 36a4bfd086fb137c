import { ComponentType } from 'react';

import { Dimension, Format, QueryOptions, QueryType } from '../../types';

export interface OptionsEditorProps {
  options: QueryOptions;
  /** The answer's format: some options only fit a table. */
  format: Format;
  onChange: (options: QueryOptions) => void;
}

/** What the editor needs to know of a query type. The rest is in pkg/query. */
export interface QueryTypeEditor {
  value: QueryType;
  label: string;
  description: string;
  groupBy: Dimension[];
  /** It takes one group-by only. */
  oneGroup?: boolean;
  formats: Format[];
  /** The number columns by name, the most telling first. */
  metrics: Array<{ value: string; label: string }>;
  /** Its own options. */
  Options: ComponentType<OptionsEditorProps>;
}
