import React from 'react';

import { InlineField, MultiCombobox } from '@grafana/ui';

import { AnnotationKind } from '../../types';
import { OptionsEditorProps, QueryTypeEditor } from './types';

const kinds: Array<{ value: AnnotationKind; label: string; description: string }> = [
  { value: 'release', label: 'Model releases', description: 'the day a model went into production' },
  { value: 'hardware', label: 'Hardware changes', description: 'deliveries, deployments, retirements' },
  { value: 'restatement', label: 'Factor restatements', description: 'when published numbers were computed anew' },
  { value: 'budget', label: 'Budget breaches', description: 'finished weeks above their carbon budget' },
];

function Options({ options, onChange }: OptionsEditorProps<'annotations'>) {
  return (
    <InlineField label="Mark" labelWidth={20} tooltip="None chosen marks all" htmlFor="wattscore-option-kinds">
      <MultiCombobox<AnnotationKind>
        id="wattscore-option-kinds"
        aria-label="Mark"
        width="auto"
        minWidth={40}
        maxWidth={80}
        placeholder="everything"
        options={kinds}
        value={options.kinds ?? []}
        onChange={(chosen) => onChange({ kinds: chosen.length > 0 ? chosen.map(({ value }) => value) : undefined })}
      />
    </InlineField>
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
