import React from 'react';

import { InlineField, InlineSwitch } from '@grafana/ui';

interface Props {
  value?: boolean;
  onChange: (live: boolean) => void;
}

/** Lets a panel follow its answer instead of asking again. */
export function Live({ value, onChange }: Props) {
  return (
    <InlineField label="Live" tooltip="Follows the answer as it changes, where the dashboard's range ends now">
      <InlineSwitch
        aria-label="Live"
        value={value ?? false}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </InlineField>
  );
}
