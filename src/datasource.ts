import { CoreApp, DataSourceInstanceSettings, MetricFindValue, ScopedVars } from '@grafana/data';
import { DataSourceWithBackend, getTemplateSrv, TemplateSrv } from '@grafana/runtime';

import {
  defaultQuery,
  Dimension,
  FilterDimension,
  Filters,
  QueryTypeDescription,
  WattScoreOptions,
  WattScoreQuery,
} from './types';
import { VariableSupport } from './variables';

/** What Grafana calls the choice of everything. */
const allValue = '$__all';

/** A member of a drop-down. */
export interface Choice<T = string> {
  value: T;
  label: string;
}

/** A factor version as the resource /factor-versions describes it. */
export interface FactorVersion {
  id: number;
  name: string;
  current: boolean;
}

export class DataSource extends DataSourceWithBackend<WattScoreQuery, WattScoreOptions> {
  constructor(
    settings: DataSourceInstanceSettings<WattScoreOptions>,
    private readonly templateSrv: TemplateSrv = getTemplateSrv()
  ) {
    super(settings);
    this.variables = new VariableSupport(this);
    // An annotation is a query like any other; a new one asks for what happened.
    this.annotations = { getDefaultQuery: () => ({ queryType: 'annotations', format: 'table' }) };
  }

  getDefaultQuery(_: CoreApp): Partial<WattScoreQuery> {
    return defaultQuery;
  }

  filterQuery(query: WattScoreQuery): boolean {
    return Boolean(query.queryType) && !query.hide;
  }

  applyTemplateVariables(query: WattScoreQuery, scopedVars: ScopedVars): WattScoreQuery {
    return {
      ...query,
      groupBy: query.groupBy?.flatMap((dimension) => this.expand(dimension, scopedVars) as Dimension[]),
      filters: this.expandFilters(query.filters, scopedVars),
      metric: query.metric && this.templateSrv.replace(query.metric, scopedVars),
      options: this.expandOptions(query.options, scopedVars),
    };
  }

  /** Lists the members of a dimension, narrowed by filters on the project's dimensions. */
  async members(dimension: Dimension, filters: Filters = {}, scopedVars: ScopedVars = {}): Promise<Choice[]> {
    const expanded = this.expandFilters(filters, scopedVars) ?? {};
    const parameters = new URLSearchParams();
    for (const [name, members] of Object.entries(expanded)) {
      members.forEach((member) => parameters.append(name, member));
    }
    const query = parameters.toString();
    return this.getResource(`dimensions/${encodeURIComponent(dimension)}${query && `?${query}`}`);
  }

  queryTypes(): Promise<QueryTypeDescription[]> {
    return this.getResource('query-types');
  }

  factorVersions(): Promise<FactorVersion[]> {
    return this.getResource('factor-versions');
  }

  /** Answers a variable that lists a dimension's members. */
  async findMembers(
    dimension: Dimension,
    filters: Filters = {},
    scopedVars: ScopedVars = {}
  ): Promise<MetricFindValue[]> {
    const members = await this.members(dimension, filters, scopedVars);
    return members.map(({ value, label }) => ({ text: label, value }));
  }

  /** All members of a text that may be a template variable with several; none for All. */
  private expand(text: string, scopedVars: ScopedVars): string[] {
    const alone = /^\$(\w+)$|^\$\{(\w+)[^}]*\}$|^\[\[(\w+)[^\]]*\]\]$/.exec(text.trim());
    const name = alone?.slice(1).find(Boolean);
    if (name && !scopedVars[name] && this.isAll(name)) {
      return [];
    }
    let members: string[] | undefined;
    const replaced = this.templateSrv.replace(text, scopedVars, (value: string | string[]) => {
      members = Array.isArray(value) ? value : [value];
      return members.join(',');
    });
    const expanded = name && members ? members : [replaced];
    return expanded.includes(allValue) ? [] : expanded.filter((member) => member !== '');
  }

  /** Grafana replaces All by every member it has listed; to us it is no restriction. */
  private isAll(name: string): boolean {
    const variable = this.templateSrv.getVariables().find((candidate) => candidate.name === name);
    const value = (variable as { current?: { value?: string | string[] } } | undefined)?.current?.value;
    return value === allValue || (Array.isArray(value) && value.includes(allValue));
  }

  private expandFilters(filters: Filters | undefined, scopedVars: ScopedVars): Filters | undefined {
    if (!filters) {
      return undefined;
    }
    const expanded: Filters = {};
    for (const [dimension, members] of Object.entries(filters)) {
      const all = members.flatMap((member) => this.expand(member, scopedVars));
      if (all.length > 0) {
        expanded[dimension as FilterDimension] = all;
      }
    }
    return expanded;
  }

  /** Replaces variables in options, however deep; a text that becomes a number is one. */
  private expandOptions<T>(options: T, scopedVars: ScopedVars): T {
    if (typeof options === 'string' && /[$[]/.test(options)) {
      const text = this.templateSrv.replace(options, scopedVars);
      return (text !== '' && Number.isFinite(Number(text)) ? Number(text) : text) as T;
    }
    if (Array.isArray(options)) {
      return options.map((entry) => this.expandOptions(entry, scopedVars)) as T;
    }
    if (options !== null && typeof options === 'object') {
      return Object.fromEntries(
        Object.entries(options).map(([name, value]) => [name, this.expandOptions(value, scopedVars)])
      ) as T;
    }
    return options;
  }
}
