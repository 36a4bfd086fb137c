import {
  CoreApp,
  DataFrameJSON,
  dataFrameToJSON,
  DataQueryRequest,
  DataQueryResponse,
  DataSourceInstanceSettings,
  LiveChannelScope,
  MetricFindValue,
  ScopedVars,
  StreamingFrameAction,
} from '@grafana/data';
import { DataSourceWithBackend, getGrafanaLiveSrv, getTemplateSrv, TemplateSrv } from '@grafana/runtime';
import { catchError, defaultIfEmpty, forkJoin, from, map, merge, Observable, of, switchMap, take } from 'rxjs';

import {
  defaultQuery,
  Dimension,
  FilterDimension,
  Filters,
  QueryTypeDescription,
  streamedTypes,
  WattScoreOptions,
  WattScoreQuery,
} from './types';
import { VariableSupport } from './variables';

/** What Grafana calls the choice of everything. */
const allValue = '$__all';

/** A range that ends no longer ago than this ends now. */
const nowMs = 60_000;

/** How many readings a followed chart keeps: a quarter of an hour by the second. */
const readingsKept = 900;

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
    // An annotation is a query like any other; a new one, of which nothing is stored yet, asks for what happened.
    const whatHappened: Partial<WattScoreQuery> = { queryType: 'annotations', format: 'table' };
    this.annotations = {
      getDefaultQuery: () => whatHappened,
      prepareQuery: ({ target }) => ({ refId: 'Anno', ...whatHappened, ...target }) as WattScoreQuery,
    };
  }

  getDefaultQuery(_: CoreApp): Partial<WattScoreQuery> {
    return defaultQuery;
  }

  filterQuery(query: WattScoreQuery): boolean {
    return Boolean(query.queryType) && !query.hide;
  }

  /** Answers a panel: what it follows as a stream, the rest at once. */
  query(request: DataQueryRequest<WattScoreQuery>): Observable<DataQueryResponse> {
    const followed = request.targets.filter((target) => this.isFollowed(target, request));
    if (followed.length === 0) {
      return super.query(request);
    }
    const others = request.targets.filter((target) => !followed.includes(target));
    const answers = followed.map((target) => this.follow(target, request));
    return merge(...answers, ...(others.length > 0 ? [super.query({ ...request, targets: others })] : []));
  }

  private isFollowed(query: WattScoreQuery, { range }: DataQueryRequest<WattScoreQuery>): boolean {
    const live = (query.options as { live?: boolean } | undefined)?.live;
    return Boolean(
      live &&
      streamedTypes.includes(query.queryType) &&
      this.filterQuery(query) &&
      range.to.valueOf() > Date.now() - nowMs
    );
  }

  /** Follows one query; where streams are not to be had it is answered once. */
  private follow(target: WattScoreQuery, request: DataQueryRequest<WattScoreQuery>): Observable<DataQueryResponse> {
    const { queryType, groupBy, filters, format, metric, factorVersion, options } = this.applyTemplateVariables(
      target,
      request.scopedVars
    );
    const data = { queryType, groupBy, filters, format, metric, factorVersion, options };
    const named = from(this.postResource<{ path: string }>('streams', data));
    const past = format === 'time_series' ? this.past(target, request) : of(undefined);
    return forkJoin([named, past]).pipe(
      switchMap(([{ path }, frame]) => {
        const addr = { scope: LiveChannelScope.DataSource, stream: this.uid, namespace: this.uid, path, data };
        return getGrafanaLiveSrv().getDataStream({
          key: `${request.requestId}.${target.refId}`,
          addr,
          frame,
          buffer:
            format === 'time_series'
              ? { maxLength: readingsKept, action: StreamingFrameAction.Append }
              : { maxLength: readingsKept, action: StreamingFrameAction.Replace },
        });
      }),
      catchError(() => super.query({ ...request, targets: [target] }))
    );
  }

  /** What a followed chart has drawn before its stream brings the first reading. */
  private past(
    target: WattScoreQuery,
    request: DataQueryRequest<WattScoreQuery>
  ): Observable<DataFrameJSON | undefined> {
    // A request that has the id of another one in flight cancels it.
    const requestId = `${request.requestId}.${target.refId}.past`;
    return super.query({ ...request, requestId, targets: [target] }).pipe(
      take(1),
      map(({ data: [frame] }) => (frame?.length ? dataFrameToJSON(frame) : undefined)),
      defaultIfEmpty(undefined),
      catchError(() => of(undefined))
    );
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
