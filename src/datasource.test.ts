import { CoreApp, DataSourceInstanceSettings, ScopedVars } from '@grafana/data';
import { TemplateSrv } from '@grafana/runtime';

import { DataSource } from './datasource';
import { WattScoreOptions, WattScoreQuery } from './types';

const variables: Record<string, string | string[]> = {
  unit: 'Search',
  teams: ['Ranking', 'Discovery, new'],
  everything: '$__all',
  listed: ['Ranking', 'Care'],
  dimension: 'team',
  threshold: '65',
};

/** Replaces as Grafana does: a format function is given the variable's value. */
const templateSrv = {
  replace: (text: string, _: ScopedVars, format?: (value: string | string[]) => string) =>
    text.replace(/\$\{?(\w+)\}?/g, (match, name) => {
      const value = variables[name];
      if (value === undefined) {
        return match;
      }
      return format ? format(value) : String(value);
    }),
  getVariables: () => [
    { name: 'listed', current: { value: ['$__all'] } },
    { name: 'teams', current: { value: ['Ranking', 'Discovery, new'] } },
  ],
} as unknown as TemplateSrv;

const datasource = new DataSource(
  { id: 1, uid: 'w', jsonData: {} } as DataSourceInstanceSettings<WattScoreOptions>,
  templateSrv
);

const query = (change: Partial<WattScoreQuery>): WattScoreQuery => ({
  refId: 'A',
  queryType: 'energyScore',
  ...change,
});

describe('applyTemplateVariables', () => {
  it.each([
    ['a variable with one value', ['${unit}'], ['Search']],
    ['a variable with several, commas kept', ['$teams'], ['Ranking', 'Discovery, new']],
    ['a variable beside a fixed member', ['Care', '${teams}'], ['Care', 'Ranking', 'Discovery, new']],
    ['a variable within a text', ['Team ${unit}'], ['Team Search']],
    ['All does not restrict', ['${everything}'], undefined],
    ['All does not restrict, though Grafana lists every member', ['${listed}'], undefined],
    ['an empty member does not restrict', [''], undefined],
    ['fixed members', ['Care', 'Search'], ['Care', 'Search']],
  ])('%s', (_, members, expected) => {
    const { filters } = datasource.applyTemplateVariables(query({ filters: { team: members } }), {});
    expect(filters?.team).toEqual(expected);
  });

  it('replaces in group-by, metric and options, and makes numbers of numbers', () => {
    const replaced = datasource.applyTemplateVariables(
      query({
        groupBy: ['${dimension}' as 'team'],
        metric: '${unit}',
        options: { scoreThreshold: '${threshold}' as unknown as number, stage: 'all', embodied: true },
      }),
      {}
    );
    expect(replaced.groupBy).toEqual(['team']);
    expect(replaced.metric).toBe('Search');
    expect(replaced.options).toEqual({ scoreThreshold: 65, stage: 'all', embodied: true });
  });

  it('replaces in lists of options, however deep', () => {
    const { options } = datasource.applyTemplateVariables(
      query({
        queryType: 'whatIf',
        options: {
          scenarios: [
            { kind: 'efficiency', percent: '${threshold}' },
            { kind: 'modelSwap', fromModel: 'Model of ${unit}', toModel: 'fixed' },
          ],
        },
      }),
      {}
    );
    expect(options).toEqual({
      scenarios: [
        { kind: 'efficiency', percent: 65 },
        { kind: 'modelSwap', fromModel: 'Model of Search', toModel: 'fixed' },
      ],
    });
  });

  it('takes the member of a repeated panel, though the dashboard shows All', () => {
    const scopedVars = { listed: { text: 'Care', value: 'Care' } };
    variables.listed = 'Care';
    const { filters } = datasource.applyTemplateVariables(query({ filters: { team: ['$listed'] } }), scopedVars);
    expect(filters).toEqual({ team: ['Care'] });
  });

  it('leaves the panel as it is', () => {
    const original = query({ filters: { team: ['$teams'] } });
    datasource.applyTemplateVariables(original, {});
    expect(original.filters).toEqual({ team: ['$teams'] });
  });
});

describe('the data source', () => {
  it('draws something in a new panel', () => {
    expect(datasource.getDefaultQuery(CoreApp.PanelEditor)).toEqual({
      queryType: 'energyScore',
      groupBy: ['model'],
      format: 'table',
    });
  });

  it('marks what happened in a new annotation', () => {
    expect(datasource.annotations?.getDefaultQuery?.()).toEqual({ queryType: 'annotations', format: 'table' });
    // What the editor shows and nobody has changed is not stored, and is asked all the same.
    const annotation = { name: 'Ours', enable: true, iconColor: 'red' };
    expect(datasource.annotations?.prepareQuery?.(annotation)).toEqual({
      refId: 'Anno',
      queryType: 'annotations',
      format: 'table',
    });
    const target = query({ queryType: 'annotations', options: { kinds: ['budget'] } });
    expect(datasource.annotations?.prepareQuery?.({ ...annotation, target })).toMatchObject(target);
  });

  it('does not run a query that is hidden or has no type', () => {
    expect(datasource.filterQuery(query({}))).toBe(true);
    expect(datasource.filterQuery(query({ hide: true }))).toBe(false);
    expect(datasource.filterQuery({ refId: 'A' } as WattScoreQuery)).toBe(false);
  });

  it('asks for members with the variables of its filters replaced', async () => {
    const getResource = jest
      .spyOn(datasource, 'getResource')
      .mockResolvedValue([{ value: 'Ranking', label: 'Ranking' }]);
    await expect(
      datasource.findMembers('team', { businessUnit: ['${unit}'], project: ['${everything}'] })
    ).resolves.toEqual([{ text: 'Ranking', value: 'Ranking' }]);
    expect(getResource).toHaveBeenCalledWith('dimensions/team?businessUnit=Search');
  });
});
