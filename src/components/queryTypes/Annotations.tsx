import React from 'react';

import { AnnotationKind } from '../../types';
import { MultiChoice } from '../MultiChoice';
import { OptionsEditorProps, QueryTypeEditor } from './types';

const kinds: Array<{ value: AnnotationKind; label: string; description: string }> = [
  { value: 'release', label: 'Model releases', description: 'the day a model went into production' },
  { value: 'hardware', label: 'Hardware changes', description: 'deliveries, deployments, retirements' },
  { value: 'restatement', label: 'Factor restatements', description: 'when published numbers were computed anew' },
  { value: 'budget', label: 'Budget breaches', description: 'finished weeks above their carbon budget' },
];

function Options({ options, onChange }: OptionsEditorProps<'annotations'>) {
  return (
    <MultiChoice<AnnotationKind>
      id="wattscore-option-kinds"
      label="Mark"
      labelWidth={20}
      tooltip="None chosen marks all"
      placeholder="everything"
      options={kinds}
      value={options.kinds ?? []}
      onChange={(chosen) => onChange({ kinds: chosen })}
    />
  );
}

export const annotations: QueryTypeEditor<'annotations'> = {
  value: 'annotations',
  label: 'Annotations',
  description: 'What happened: model releases, hardware changes, factor restatements, budget breaches',
  groupBy: [],
  formats: ['table'],
  metrics: [],
  Options,
};
