import React, { useEffect, useRef } from 'react';

import { ComboboxOption, InlineField, MultiCombobox } from '@grafana/ui';

interface Props<T extends string> {
  id: string;
  label: string;
  /** In units of Grafana's grid of 8 px, as all widths. */
  labelWidth: number;
  minWidth?: number;
  maxWidth?: number;
  tooltip?: string;
  /** What nothing chosen means. */
  placeholder?: string;
  createCustomValue?: boolean;
  options: Array<ComboboxOption<T>> | ((typed: string) => Promise<Array<ComboboxOption<T>>>);
  value: T[];
  onChange: (chosen: T[]) => void;
}

/** Several of a list. */
export function MultiChoice<T extends string>({
  id,
  label,
  labelWidth,
  tooltip,
  minWidth = 40,
  maxWidth = 80,
  onChange,
  ...box
}: Props<T>) {
  const place = useRef<HTMLDivElement>(null);
  // Grafana 12 passes neither id nor label on to its box, which then has no name for a
  // screen reader and no way from its label.
  useEffect(() => {
    const input = place.current?.querySelector('input');
    if (input && !input.labels?.length) {
      input.setAttribute('aria-label', label);
    }
  });
  return (
    <div ref={place}>
      <InlineField label={label} labelWidth={labelWidth} tooltip={tooltip} htmlFor={id}>
        <MultiCombobox<T>
          id={id}
          aria-label={label}
          width="auto"
          minWidth={minWidth}
          maxWidth={maxWidth}
          onChange={(chosen) => onChange(chosen.map(({ value }) => value))}
          {...box}
        />
      </InlineField>
    </div>
  );
}
