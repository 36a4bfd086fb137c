import { ComponentType } from 'react';

import { DataSource } from '../../datasource';
import { Dimension, Format, OptionsByType, QueryType } from '../../types';

export interface OptionsEditorProps<T extends QueryType> {
  options: OptionsByType[T];
  /** The answer's format: some options only fit a table. */
  format: Format;
  /** Where drop-downs get their entries from. */
  datasource?: DataSource;
  onChange: (options: OptionsByType[T]) => void;
}

/** What the editor needs to know of a query type. The rest is in pkg/query. */
export interface QueryTypeEditor<T extends QueryType = QueryType> {
  value: T;
  label: string;
  description: string;
  groupBy: Dimension[];
  /** The group-by of a query that names none; absent is the first of groupBy. */
  defaultGroupBy?: Dimension[];
  /** It takes one group-by only. */
  oneGroup?: boolean;
  formats: Format[];
  /** The step applies to a table too, because each row is a step in time. */
  stepsInTable?: boolean;
  /** The number columns by name, the most telling first. */
  metrics: Array<{ value: string; label: string }>;
  /** Its own options. */
  Options: ComponentType<OptionsEditorProps<T>>;
}
