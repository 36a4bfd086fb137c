import { FilterDimension } from './types';

/** The filters in the order an editor shows them. */
export const filterDimensions: Array<{ dimension: FilterDimension; label: string }> = [
  { dimension: 'businessUnit', label: 'Business unit' },
  { dimension: 'team', label: 'Team' },
  { dimension: 'project', label: 'Project' },
  { dimension: 'model', label: 'Model' },
  { dimension: 'region', label: 'Region' },
  { dimension: 'workload', label: 'Workload' },
  { dimension: 'endpoint', label: 'Endpoint' },
];
