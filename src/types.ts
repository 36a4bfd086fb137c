import { DataSourceJsonData, SelectableValue } from '@grafana/data';
import { DataQuery } from '@grafana/schema';

/** The query types the backend answers. See pkg/query/type.go. */
export type QueryType =
  | 'energyScore'
  | 'carbonAttribution'
  | 'efficiencyQuadrant'
  | 'hardwareLifecycle'
  | 'efficiencyTrend'
  | 'costMeter'
  | 'kpi'
  | 'keyDrivers'
  | 'budgetVariance'
  | 'whatIf'
  | 'latencyCost'
  | 'modelComparison'
  | 'trainingRuns'
  | 'gpuLive'
  | 'dataQuality'
  | 'reconciliation'
  | 'annotations';

/** A dimension that usage is grouped by. See pkg/kpi/dimension.go. */
export type Dimension =
  | 'businessUnit'
  | 'team'
  | 'productLine'
  | 'costCentre'
  | 'owner'
  | 'project'
  | 'model'
  | 'provider'
  | 'family'
  | 'taskClass'
  | 'stage'
  | 'region'
  | 'endpoint'
  | 'workload';

/** A dimension that every query type can be filtered by. */
export type FilterDimension = 'businessUnit' | 'team' | 'project' | 'model' | 'region' | 'workload' | 'endpoint';

/** Members by dimension; an absent or empty list does not restrict. Members may be template variables. */
export type Filters = Partial<Record<FilterDimension, string[]>>;

/** The shape of an answer; `number` is what an alert rule takes: labels and one number. */
export type Format = 'table' | 'time_series' | 'number';

/** A step of the calendar; quarters are the fiscal ones. */
export type Interval = 'auto' | 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year';

/** Options of `energyScore`. */
export interface EnergyScoreOptions {
  /** How a task class is cut into stars. Default: range. */
  starBands?: 'range' | 'quintile';
  /** Which tokens `kwh_per_1m_tokens` counts. Default: output. */
  tokens?: 'output' | 'input' | 'total';
  /** The basis of `cost_per_transaction_usd`. Default: energy. */
  costBasis?: 'energy' | 'full';
  /** One row over everything instead of one for each group. */
  total?: boolean;
  /** Further columns of a table. Default: none. */
  also?: Array<'facility_kwh' | 'carbon_market_kg' | 'cost_per_1k_requests_usd'>;
}

/** Options of `carbonAttribution`. */
export interface CarbonAttributionOptions {
  /** Grid average, supply contracts, or both side by side and never added. Default: location. */
  method?: 'location' | 'market' | 'both';
  /** Adds the hardware's amortised embodied carbon as a column of its own. */
  embodied?: boolean;
  /** Internal carbon price in USD per tCO2e; absent is the data source's. */
  carbonPriceUsdPerTonne?: number;
}

/** Options of `efficiencyQuadrant`. */
export interface EfficiencyQuadrantOptions {
  /** 0 to 100. Default: 50. */
  criticalityThreshold?: number;
  /** 0 to 100. Default: 50, the reference intensity. */
  scoreThreshold?: number;
  /** Default: production. */
  stage?: 'production' | 'all';
  /** One table, a frame a quadrant for a scatter, or the two lines between them. Default: models. */
  shape?: 'models' | 'quadrants' | 'thresholds';
}

/** Options of `hardwareLifecycle`. */
export interface HardwareLifecycleOptions {
  /** Default: stages, at the end of the period. */
  view?: 'stages' | 'overTime' | 'flows' | 'assets' | 'purchases';
}

/** Options of `efficiencyTrend`. */
export interface EfficiencyTrendOptions {
  /** What is shown and forecast. Default: kwh_per_1k_requests, the energy to solution. */
  measure?: 'kwh_per_1k_requests' | 'score' | 'energy_kwh' | 'cost_usd' | 'carbon_kg';
  /** How many steps to forecast; absent is to the end of the next fiscal quarter, 0 is none. */
  horizon?: number;
  /** What cost avoided is counted against: the period before the range, or the range's first four steps. Default: preceding. */
  baseline?: 'preceding' | 'first';
}

/** Options of `costMeter`. */
export interface CostMeterOptions {
  /** Work that answers requests, or everything. Default: serving. */
  scope?: 'serving' | 'all';
  /** Default: full, what is billed. */
  costBasis?: 'energy' | 'full';
  /** Part of the budget from which the meter is yellow, 0 to 1. Default: 0.9. */
  warnAt?: number;
  /** Follows the answer as it changes, where the range ends now. */
  live?: boolean;
}

/** Options of `gpuLive`. */
export interface GpuLiveOptions {
  /** The machine Grafana runs on, what agents collected, or the first that has GPUs. Default: auto. */
  source?: 'auto' | 'local' | 'fleet';
  /**
   * A row a GPU, one over them (a sum that misses a GPU is null), or each of the fleet's
   * last full hour against the same hour of the days before. Default: gpus.
   */
  view?: 'gpus' | 'total' | 'unusual';
  /** Follows the readings as they change, where the range ends now. */
  live?: boolean;
}

/** Options of `kpi`. */
export interface KpiOptions {
  /** The basis of cost per AI transaction and of R&D efficiency. Default: energy. */
  costBasis?: 'energy' | 'full';
  /** Only the KPIs for these readers, such as CFO. Default: all. */
  audience?: string;
}

/** Options of `keyDrivers`. */
export interface KeyDriversOptions {
  /** What changed. Default: energy. */
  measure?: 'energy' | 'cost' | 'carbon';
  /** How many drivers to name, 0 for all. Default: 3, in the bridge all. */
  top?: number;
  /** The drivers by segment, or from the previous total to this one in steps. Default: drivers. */
  view?: 'drivers' | 'bridge';
}

/** Options of `budgetVariance`. */
export interface BudgetVarianceOptions {
  /** Carbon is by week, cost by day. Default: carbon. */
  budget?: 'carbon' | 'cost';
  /** Which emissions a carbon budget is held against. Default: location. */
  method?: 'location' | 'market';
  /** The step of the answer for cost; carbon has weeks. Default: week. */
  step?: 'day' | 'week' | 'month';
  /** Part of the budget from which the status is yellow, 0 to 1. Default: 0.9. */
  warnAt?: number;
}

/** A change to be reckoned through. Numbers may be template variables. */
export interface Scenario {
  /** Shown in the answer; absent is a description of the change. */
  name?: string;
  kind: 'efficiency' | 'regionMove' | 'modelSwap' | 'gpuUpgrade' | 'pue';
  /** efficiency: by how many percent the same work takes less energy. */
  percent?: number | string;
  /** regionMove: absent is everything; pue: the region it changes in, absent is all. */
  fromRegion?: string;
  toRegion?: string;
  /** modelSwap: the requests of the one go to the other. */
  fromModel?: string;
  toModel?: string;
  /** gpuUpgrade: which accelerators are replaced, absent is all in service. */
  fromAccelerator?: string;
  toAccelerator?: string;
  /** gpuUpgrade: how many are bought. */
  units?: number | string;
  unitCostUsd?: number | string;
  /** gpuUpgrade: by how many percent the same work takes less energy. */
  energyReductionPercent?: number | string;
  lifetimeYears?: number | string;
  /** pue: what it becomes. */
  pue?: number | string;
}

/** Options of `whatIf`. */
export interface WhatIfOptions {
  /** Default: efficiency +15 %. */
  scenarios?: Scenario[];
  /** Per year, for net present values. Default: 8. */
  discountRatePercent?: number | string;
}

/** Options of `latencyCost`. */
export interface LatencyCostOptions {
  /** An hour a row, or a group a row with its correlation. Default: hours. */
  view?: 'hours' | 'groups';
  /** Default: energy. */
  costBasis?: 'energy' | 'full';
}

/** Options of `modelComparison`. */
export interface ModelComparisonOptions {
  /** Default: energy. */
  costBasis?: 'energy' | 'full';
  /** Default: production. */
  stage?: 'production' | 'all';
}

/** Options of `trainingRuns`. */
export interface TrainingRunsOptions {
  /** A run a row, or a product feature a row. Default: runs. */
  view?: 'runs' | 'features';
  /** Internal carbon price in USD per tCO2e; absent is the data source's. */
  carbonPriceUsdPerTonne?: number;
}

/** Options of `dataQuality`. */
export interface DataQualityOptions {
  /** What an auditor asks of a number. All but `coverage` are tables; `sources` has numbers too. Default: coverage. */
  view?: 'coverage' | 'sources' | 'factors' | 'references' | 'formulas' | 'figures' | 'restatements';
  /** The coverage of everything instead of one for each group. */
  total?: boolean;
}

/** Who states figures that are held against ours. See pkg/kpi/provider.go. */
export type ProviderSource = 'ccf' | 'google' | 'aws' | 'focus';

/** What a provider's figure is of; `carbon` has no stated basis, `energy` was never metered. */
export type ProviderQuantity = 'carbon_location' | 'carbon_market' | 'carbon' | 'energy' | 'cost';

/** Options of `reconciliation`. */
export interface ReconciliationOptions {
  /** Default: all sources. */
  sources?: ProviderSource[];
  /** Default: all but energy. */
  quantities?: ProviderQuantity[];
  /** The provider's services, by its names. Default: all. */
  services?: string[];
  /** A row for each of the provider's services. Ours is not known by service. */
  byService?: boolean;
  /** `operational` leaves the provider's scope 3 out, as ours has none. Default: operational. */
  scopes?: 'operational' | 'all';
  /** Each month by the newest version of the provider's method, or each version in a row. Default: newest. */
  versions?: 'newest' | 'all';
}

/** Something that happened and that a chart marks. */
export type AnnotationKind = 'release' | 'hardware' | 'restatement' | 'budget';

/** Options of `annotations`. */
export interface AnnotationsOptions {
  /** Default: all kinds. */
  kinds?: AnnotationKind[];
}

/** The options of each query type. */
export interface OptionsByType {
  energyScore: EnergyScoreOptions;
  carbonAttribution: CarbonAttributionOptions;
  efficiencyQuadrant: EfficiencyQuadrantOptions;
  hardwareLifecycle: HardwareLifecycleOptions;
  efficiencyTrend: EfficiencyTrendOptions;
  costMeter: CostMeterOptions;
  kpi: KpiOptions;
  keyDrivers: KeyDriversOptions;
  budgetVariance: BudgetVarianceOptions;
  whatIf: WhatIfOptions;
  latencyCost: LatencyCostOptions;
  modelComparison: ModelComparisonOptions;
  trainingRuns: TrainingRunsOptions;
  gpuLive: GpuLiveOptions;
  dataQuality: DataQualityOptions;
  reconciliation: ReconciliationOptions;
  annotations: AnnotationsOptions;
}

/** Any query type's options. */
export type QueryOptions = OptionsByType[QueryType];

/** A panel's query as it is stored in the dashboard. See pkg/query/request.go. */
export interface WattScoreQuery extends DataQuery {
  queryType: QueryType;
  groupBy?: Dimension[];
  filters?: Filters;
  /** Default: table. */
  format?: Format;
  /** The number column of `number` and `time_series`. */
  metric?: string;
  /** The step of `time_series`. Default: auto. */
  interval?: Interval;
  /** Absent or 0: the factor version in force. */
  factorVersion?: number;
  options?: QueryOptions;
}

/** The query types whose answer a panel can follow live. */
export const streamedTypes: QueryType[] = ['costMeter', 'gpuLive'];

/** What a new panel asks: it draws something at once. */
export const defaultQuery: Partial<WattScoreQuery> = {
  queryType: 'energyScore',
  groupBy: ['model'],
  format: 'table',
};

/** A dashboard variable's query: the members of a dimension, narrowed by others. */
export interface WattScoreVariableQuery extends DataQuery {
  dimension: Dimension;
  filters?: Filters;
}

/** How far the server's identity is checked, in libpq's words. */
export type TLSMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

/** The data source's settings. See pkg/plugin/settings.go. */
export interface WattScoreOptions extends DataSourceJsonData {
  /** Name or address, with or without a port; 5432 otherwise. */
  host?: string;
  database?: string;
  user?: string;
  /** Default: require. */
  tlsMode?: TLSMode;
  /** Default: 8. */
  maxConnections?: number;
  /** Default: 30. */
  queryTimeoutSeconds?: number;
  /** Default: 5. */
  connectTimeoutSeconds?: number;
  /** IANA name; empty is the warehouse's. */
  timeZone?: string;
  /** The month in which fiscal years begin, 1 to 12; absent is the warehouse's. */
  fiscalYearStartMonth?: number;
  /** Internal carbon price in USD per tCO2e; empty charges nothing back. */
  carbonPriceUsdPerTonne?: number;
  /** Address of the agent whose GPUs are live; empty are those of the machine Grafana runs on. */
  gpuAgentUrl?: string;
  /** Code of the region whose factors price those GPUs. */
  gpuRegion?: string;
  enableSecureSocksProxy?: boolean;
}

/** The settings that never leave the server. Certificates are PEM texts. */
export interface WattScoreSecureOptions {
  password?: string;
  tlsCaCert?: string;
  tlsClientCert?: string;
  tlsClientKey?: string;
}

/** A query type as the resource /query-types describes it. */
export interface QueryTypeDescription {
  name: QueryType;
  label: string;
  description: string;
  groupBy: Array<SelectableValue<Dimension>>;
  formats: Format[];
  metrics: Array<{ name: string; label: string; unit: string }>;
}
