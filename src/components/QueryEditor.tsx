import React from 'react';

import { QueryEditorProps } from '@grafana/data';
import { Combobox, InlineField, RadioButtonGroup, Stack } from '@grafana/ui';

import { DataSource } from '../datasource';
import { Dimension, Format, Interval, QueryOptions, QueryType, WattScoreOptions, WattScoreQuery } from '../types';
import { FiltersEditor } from './FiltersEditor';
import { MultiChoice } from './MultiChoice';
import { editorOf, queryTypes } from './queryTypes';

type Props = QueryEditorProps<DataSource, WattScoreQuery, WattScoreOptions>;

const formatLabels: Record<Format, string> = {
  table: 'Table',
  time_series: 'Time series',
  number: 'Number for alerting',
};

const dimensionLabels: Record<Dimension, string> = {
  businessUnit: 'Business unit',
  team: 'Team',
  productLine: 'Product line',
  costCentre: 'Cost centre',
  owner: 'Owner',
  project: 'Project',
  model: 'Model',
  provider: 'Provider',
  family: 'Model family',
  taskClass: 'Task class',
  stage: 'Stage',
  region: 'Region',
  endpoint: 'Endpoint',
  workload: 'Workload',
};

const intervals: Array<{ value: Interval; label: string }> = [
  { value: 'auto', label: 'Automatic' },
  { value: 'hour', label: 'Hour' },
  { value: 'day', label: 'Day' },
  { value: 'week', label: 'Week' },
  { value: 'month', label: 'Month' },
  { value: 'quarter', label: 'Fiscal quarter' },
  { value: 'year', label: 'Fiscal year' },
];

/** The question first, then only what that question needs. */
export function QueryEditor({ datasource, query, onChange, onRunQuery }: Props) {
  const editor = editorOf(query.queryType);
  const format = query.format ?? 'table';
  const options = query.options ?? {};
  const update = (change: Partial<WattScoreQuery>) => {
    onChange({ ...query, ...change });
    onRunQuery();
  };
  /** Keeps of the old question what the new one has too. */
  const changeType = (queryType: QueryType) => {
    const next = editorOf(queryType);
    const groupBy = query.groupBy?.filter((dimension) => next.groupBy.includes(dimension));
    update({
      queryType,
      groupBy: groupBy?.length ? groupBy.slice(0, next.oneGroup ? 1 : undefined) : undefined,
      format: next.formats.includes(format) ? format : 'table',
      metric: undefined,
      options: undefined,
    });
  };
  const grouped = editor.groupBy.length > 0 && !('total' in options && options.total);

  return (
    <Stack direction="column" gap={0.5} data-testid="wattscore-query-editor">
      <Stack direction="row" wrap="wrap" gap={0.5}>
        <InlineField label="Question" labelWidth={16} htmlFor="wattscore-query-type">
          <Combobox<QueryType>
            id="wattscore-query-type"
            aria-label="Question"
            width={40}
            options={queryTypes.map(({ value, label, description }) => ({ value, label, description }))}
            value={editor.value}
            onChange={({ value }) => changeType(value)}
          />
        </InlineField>
        <InlineField label="Answer as" labelWidth={16}>
          <RadioButtonGroup<Format>
            aria-label="Answer as"
            options={editor.formats.map((value) => ({ value, label: formatLabels[value] }))}
            value={format}
            onChange={(value) => update({ format: value })}
          />
        </InlineField>
        {(format === 'number' || (format === 'time_series' && !editor.stepsInTable)) && (
          <InlineField label="Number" labelWidth={16} htmlFor="wattscore-metric">
            <Combobox
              id="wattscore-metric"
              aria-label="Number"
              width={32}
              createCustomValue
              options={editor.metrics}
              value={query.metric ?? editor.metrics[0].value}
              onChange={({ value }) => update({ metric: value })}
            />
          </InlineField>
        )}
        {(format === 'time_series' || (format === 'table' && editor.stepsInTable)) && (
          <InlineField
            label="Step"
            labelWidth={16}
            tooltip="Calendar steps of the company's time zone"
            htmlFor="wattscore-interval"
          >
            <Combobox<Interval>
              id="wattscore-interval"
              aria-label="Step"
              width={20}
              options={intervals}
              value={query.interval ?? 'auto'}
              onChange={({ value }) => update({ interval: value })}
            />
          </InlineField>
        )}
      </Stack>
      {grouped &&
        (editor.oneGroup ? (
          <InlineField label="Group by" labelWidth={16} htmlFor="wattscore-group-by">
            <Combobox<Dimension>
              id="wattscore-group-by"
              aria-label="Group by"
              width={40}
              options={editor.groupBy.map((value) => ({ value, label: dimensionLabels[value] }))}
              value={query.groupBy?.[0] ?? editor.defaultGroupBy?.[0] ?? editor.groupBy[0]}
              onChange={({ value }) => update({ groupBy: [value] })}
            />
          </InlineField>
        ) : (
          <MultiChoice<Dimension>
            id="wattscore-group-by"
            label="Group by"
            labelWidth={16}
            options={editor.groupBy.map((value) => ({ value, label: dimensionLabels[value] }))}
            value={query.groupBy ?? editor.defaultGroupBy ?? editor.groupBy.slice(0, 1)}
            onChange={(groupBy) => update({ groupBy })}
          />
        ))}
      <FiltersEditor datasource={datasource} filters={query.filters} onChange={(filters) => update({ filters })} />
      <Stack direction="row" wrap="wrap" gap={0.5}>
        <editor.Options
          options={options}
          format={format}
          datasource={datasource}
          onChange={(changed: QueryOptions) => update({ options: withoutEmpty(changed) })}
        />
        {editor.value !== 'hardwareLifecycle' && (
          <InlineField
            label="Factors"
            labelWidth={16}
            tooltip="Which version of PUE, grid intensity and prices the answer is computed with"
            htmlFor="wattscore-factor-version"
          >
            <Combobox<number>
              id="wattscore-factor-version"
              aria-label="Factors"
              width={32}
              options={async () => [
                { value: 0, label: 'In force' },
                ...(await datasource.factorVersions()).map(({ id, name, current }) => ({
                  value: id,
                  label: `${id} · ${name}`,
                  description: current ? 'in force' : undefined,
                })),
              ]}
              value={
                query.factorVersion
                  ? { value: query.factorVersion, label: `Version ${query.factorVersion}` }
                  : { value: 0, label: 'In force' }
              }
              onChange={({ value }) => update({ factorVersion: value || undefined })}
            />
          </InlineField>
        )}
      </Stack>
    </Stack>
  );
}

/** An option that is empty takes its default, so it is not stored. */
function withoutEmpty(options: QueryOptions): QueryOptions | undefined {
  const empty = (value: unknown) => value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
  const set = Object.entries(options).filter(([, value]) => !empty(value));
  return set.length > 0 ? Object.fromEntries(set) : undefined;
}
