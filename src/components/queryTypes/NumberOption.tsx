import React from 'react';

import { InlineField, Input } from '@grafana/ui';

interface Props {
  label: string;
  tooltip: string;
  value?: number;
  placeholder: string;
  min?: number;
  max?: number;
  suffix?: string;
  onChange: (value?: number) => void;
}

/** An option that is a number; empty is its default. */
export function NumberOption({ label, tooltip, value, placeholder, min, max, suffix, onChange }: Props) {
  const id = `wattscore-option-${label.replace(/\W+/g, '-').toLowerCase()}`;
  return (
    <InlineField label={label} labelWidth={20} tooltip={tooltip} htmlFor={id}>
      <Input
        id={id}
        width={16}
        type="number"
        min={min}
        max={max}
        step="any"
        suffix={suffix}
        placeholder={placeholder}
        defaultValue={value}
        key={value}
        onBlur={({ currentTarget }) => {
          const entered = currentTarget.value === '' ? undefined : Number(currentTarget.value);
          if (entered !== value) {
            onChange(entered);
          }
        }}
      />
    </InlineField>
  );
}
