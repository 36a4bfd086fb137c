import React from 'react';

import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import { DataSource } from '../datasource';
import { WattScoreQuery } from '../types';
import { QueryEditor } from './QueryEditor';
import { queryTypes } from './queryTypes';

jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual('@grafana/runtime'),
  getTemplateSrv: () => ({ getVariables: () => [] }),
}));

const datasource = {
  members: jest.fn().mockResolvedValue([]),
  factorVersions: jest.fn().mockResolvedValue([]),
} as unknown as DataSource;

function show(change: Partial<WattScoreQuery>) {
  const onChange = jest.fn();
  const onRunQuery = jest.fn();
  const query: WattScoreQuery = { refId: 'A', queryType: 'energyScore', ...change };
  render(<QueryEditor datasource={datasource} query={query} onChange={onChange} onRunQuery={onRunQuery} />);
  return { onChange, onRunQuery, query };
}

describe('QueryEditor', () => {
  it.each(queryTypes.map(({ value }) => value))(
    'shows the question, the filters and the options of %s',
    (queryType) => {
      show({ queryType });
      expect(screen.getByRole('combobox', { name: 'Question' })).toBeInTheDocument();
      for (const filter of ['Business unit', 'Team', 'Project', 'Model', 'Region', 'Workload', 'Endpoint']) {
        expect(screen.getByRole('combobox', { name: filter })).toBeInTheDocument();
      }
    }
  );

  it('asks for the number only where one is answered', () => {
    show({ format: 'table' });
    expect(screen.queryByRole('combobox', { name: 'Number' })).not.toBeInTheDocument();
    expect(screen.queryByRole('combobox', { name: 'Step' })).not.toBeInTheDocument();
  });

  it('offers number and step for a time series', () => {
    show({ format: 'time_series' });
    expect(screen.getByRole('combobox', { name: 'Number' })).toBeInTheDocument();
    expect(screen.getByRole('combobox', { name: 'Step' })).toBeInTheDocument();
  });

  it('changes the format and runs the query', async () => {
    const { onChange, onRunQuery, query } = show({});
    await userEvent.click(screen.getByRole('radio', { name: 'Time series' }));
    expect(onChange).toHaveBeenCalledWith({ ...query, format: 'time_series' });
    expect(onRunQuery).toHaveBeenCalled();
  });

  it('stores only the options that differ from nothing', async () => {
    const { onChange } = show({ queryType: 'carbonAttribution' });
    await userEvent.click(screen.getByRole('radio', { name: 'Market-based' }));
    expect(onChange).toHaveBeenCalledWith(expect.objectContaining({ options: { method: 'market' } }));
  });

  it('takes a number when the field is left', async () => {
    const { onChange } = show({ queryType: 'efficiencyQuadrant' });
    await userEvent.type(screen.getByLabelText('Efficient from'), '65');
    await userEvent.tab();
    expect(onChange).toHaveBeenCalledWith(expect.objectContaining({ options: { scoreThreshold: 65 } }));
  });

  it('has no group-by where the answer has none', () => {
    show({ queryType: 'hardwareLifecycle' });
    expect(screen.queryByRole('combobox', { name: 'Group by' })).not.toBeInTheDocument();
  });

  it('narrows a reconciliation to what is chosen', async () => {
    const { onChange } = show({ queryType: 'reconciliation', options: { sources: ['google'] } });
    await userEvent.click(screen.getByRole('radio', { name: 'All' }));
    expect(onChange).toHaveBeenCalledWith(expect.objectContaining({ options: { sources: ['google'], scopes: 'all' } }));
    await userEvent.click(screen.getByRole('switch', { name: 'By service' }));
    expect(onChange).toHaveBeenCalledWith(
      expect.objectContaining({ options: { sources: ['google'], byService: true } })
    );
  });

  it('stores no list that nothing is left in', async () => {
    const { onChange } = show({ queryType: 'reconciliation', options: { sources: ['google'], scopes: 'all' } });
    await userEvent.click(screen.getByRole('button', { name: 'Remove Google Carbon Footprint' }));
    expect(onChange).toHaveBeenCalledWith(expect.objectContaining({ options: { scopes: 'all' } }));
  });
});
