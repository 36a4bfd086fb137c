import { QueryType } from '../../types';
import { annotations } from './Annotations';
import { budgetVariance } from './BudgetVariance';
import { carbonAttribution } from './CarbonAttribution';
import { costMeter } from './CostMeter';
import { dataQuality } from './DataQuality';
import { efficiencyQuadrant } from './EfficiencyQuadrant';
import { efficiencyTrend } from './EfficiencyTrend';
import { energyScore } from './EnergyScore';
import { gpuLive } from './GpuLive';
import { hardwareLifecycle } from './HardwareLifecycle';
import { keyDrivers } from './KeyDrivers';
import { kpi } from './Kpi';
import { latencyCost } from './LatencyCost';
import { modelComparison } from './ModelComparison';
import { reconciliation } from './Reconciliation';
import { trainingRuns } from './TrainingRuns';
import { QueryTypeEditor } from './types';
import { whatIf } from './WhatIf';

/** The editor of each query type. A new one is a file here and a line below. */
const editors = {
  energyScore,
  carbonAttribution,
  efficiencyQuadrant,
  hardwareLifecycle,
  efficiencyTrend,
  kpi,
  costMeter,
  budgetVariance,
  keyDrivers,
  whatIf,
  modelComparison,
  trainingRuns,
  latencyCost,
  gpuLive,
  dataQuality,
  reconciliation,
  annotations,
};

/** The query types in the order the editor offers them. */
export const queryTypes = Object.values(editors) as QueryTypeEditor[];

/** The editor of a query type; of the first for one that this version does not know. */
export function editorOf(queryType?: QueryType): QueryTypeEditor {
  return queryTypes.find(({ value }) => value === queryType) ?? queryTypes[0];
}
