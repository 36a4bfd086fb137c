import { Scenario } from '../../types';

export type Kind = Scenario['kind'];
export type Parameter = Exclude<keyof Scenario, 'kind' | 'name'>;

interface Field {
  parameter: Parameter;
  label: string;
  tooltip: string;
  placeholder: string;
  /** Its members are offered; absent is an entry that is typed. */
  members?: 'region' | 'model';
  /** It may be left empty. */
  optional?: boolean;
  /** Entered as a number or a variable. */
  numeric?: boolean;
}

interface KindDescription {
  value: Kind;
  label: string;
  description: string;
  /** What a new scenario of this kind begins with. */
  start?: Partial<Scenario>;
  fields: Field[];
}

/** The kinds of scenario, each with its own fields. See pkg/query/what_if_scenario.go. */
export const kinds: KindDescription[] = [
  {
    value: 'efficiency',
    label: 'More efficient',
    description: 'the same work takes less energy',
    start: { percent: 15 },
    fields: [
      {
        parameter: 'percent',
        label: 'Less energy by (%)',
        tooltip:
          'By how many percent the same work takes less energy; a variable such as ${percent} makes it adjustable',
        placeholder: '15',
        numeric: true,
      },
    ],
  },
  {
    value: 'regionMove',
    label: 'Move to a region',
    description: 'the same IT energy at another PUE, price and grid',
    fields: [
      {
        parameter: 'fromRegion',
        label: 'From region',
        tooltip: 'Whose work moves; empty moves everything',
        placeholder: 'All regions',
        members: 'region',
        optional: true,
      },
      {
        parameter: 'toRegion',
        label: 'To region',
        tooltip: 'Any region with factors; type the name of one that is not in use yet',
        placeholder: 'Choose or type',
        members: 'region',
      },
    ],
  },
  {
    value: 'modelSwap',
    label: 'Swap a model',
    description: "one model's requests at another's energy per request",
    fields: [
      {
        parameter: 'fromModel',
        label: 'From model',
        tooltip: 'Whose requests another model takes over',
        placeholder: 'Choose or type',
        members: 'model',
      },
      {
        parameter: 'toModel',
        label: 'To model',
        tooltip: 'It must have served requests in the period, so that its energy per request is known',
        placeholder: 'Choose or type',
        members: 'model',
      },
    ],
  },
  {
    value: 'gpuUpgrade',
    label: 'Upgrade GPUs',
    description: 'less energy for an investment: payback and net present value',
    fields: [
      {
        parameter: 'fromAccelerator',
        label: 'Replaced GPUs',
        tooltip: 'The accelerator as the inventory names it; empty replaces all in service',
        placeholder: 'All in service',
        optional: true,
      },
      {
        parameter: 'toAccelerator',
        label: 'New GPUs',
        tooltip: 'The accelerator that is bought; its embodied carbon gives the carbon payback',
        placeholder: 'NVIDIA B200 SXM',
        optional: true,
      },
      {
        parameter: 'units',
        label: 'Units',
        tooltip: 'How many are bought; empty is as many as are replaced',
        placeholder: 'as many as replaced',
        optional: true,
        numeric: true,
      },
      {
        parameter: 'unitCostUsd',
        label: 'Unit cost (USD)',
        tooltip: 'What one costs; without it there is no payback',
        placeholder: '40000',
        optional: true,
        numeric: true,
      },
      {
        parameter: 'energyReductionPercent',
        label: 'Less energy by (%)',
        tooltip: 'By how many percent the same work takes less energy on the new GPUs: a benchmark or the vendor says',
        placeholder: '40',
        numeric: true,
      },
      {
        parameter: 'lifetimeYears',
        label: 'Lifetime (years)',
        tooltip: 'How long the new GPUs serve; the net present value counts the savings of that time',
        placeholder: '4',
        optional: true,
        numeric: true,
      },
    ],
  },
  {
    value: 'pue',
    label: 'Change the PUE',
    description: 'another cooling, the same IT energy',
    start: { pue: 1.1 },
    fields: [
      {
        parameter: 'pue',
        label: 'New PUE',
        tooltip: 'Power usage effectiveness, at least 1',
        placeholder: '1.1',
        numeric: true,
      },
      {
        parameter: 'fromRegion',
        label: 'In region',
        tooltip: 'Where it changes; empty is everywhere',
        placeholder: 'All regions',
        members: 'region',
        optional: true,
      },
    ],
  },
];
