import React from 'react';

import { Button, Combobox, InlineField, Input, Stack } from '@grafana/ui';

import { DataSource } from '../../datasource';
import { Scenario } from '../../types';
import { variableChoices } from '../variableChoices';
import { Kind, kinds, Parameter } from './scenarioKinds';

interface Props {
  /** Which scenario of the query it is, from 1. */
  ordinal: number;
  scenario: Scenario;
  datasource?: DataSource;
  onChange: (scenario: Scenario) => void;
  /** Absent: it is the only one. */
  onRemove?: () => void;
}

/** One change to reckon through: its kind, and only the fields of that kind. */
export function ScenarioEditor({ ordinal, scenario, datasource, onChange, onRemove }: Props) {
  const name = `Scenario ${ordinal}`;
  const id = `wattscore-scenario-${ordinal}`;
  const { fields } = kinds.find(({ value }) => value === scenario.kind) ?? kinds[0];
  const set = (parameter: Parameter | 'name', value?: string | number) => {
    const { [parameter]: _, ...others } = scenario;
    onChange(
      value === undefined || value === '' ? (others as Scenario) : ({ ...others, [parameter]: value } as Scenario)
    );
  };
  /** Keeps the name, because the other kind has no use for the rest. */
  const changeKind = (kind: Kind) =>
    onChange({
      ...(scenario.name ? { name: scenario.name } : {}),
      kind,
      ...kinds.find(({ value }) => value === kind)?.start,
    });

  return (
    <div role="group" aria-label={name}>
      <Stack direction="row" wrap="wrap" gap={0.5}>
        <InlineField label={name} labelWidth={16} tooltip="A change to set beside today" htmlFor={`${id}-kind`}>
          <KindField id={`${id}-kind`} label={`${name}: kind`} value={scenario.kind} onChange={changeKind} />
        </InlineField>
        {fields.map((field) => {
          const fieldId = `${id}-${field.parameter}`;
          const label = `${name}: ${field.label}`;
          const value = scenario[field.parameter];
          return (
            <InlineField key={field.parameter} label={field.label} tooltip={field.tooltip} htmlFor={fieldId}>
              {field.members && datasource ? (
                <MemberField
                  dimension={field.members}
                  id={fieldId}
                  label={label}
                  placeholder={field.placeholder}
                  value={value?.toString()}
                  datasource={datasource}
                  onChange={(chosen) => set(field.parameter, chosen)}
                />
              ) : (
                <TextField
                  id={fieldId}
                  label={label}
                  placeholder={field.placeholder}
                  width={field.numeric ? 14 : 28}
                  value={value}
                  onChange={(entered) => set(field.parameter, field.numeric ? numberOrText(entered) : entered)}
                />
              )}
            </InlineField>
          );
        })}
        <InlineField label="Name" tooltip="How the answer calls it; empty describes the change" htmlFor={`${id}-name`}>
          <TextField
            id={`${id}-name`}
            label={`${name}: Name`}
            placeholder="as the change"
            width={28}
            value={scenario.name}
            onChange={(entered) => set('name', entered)}
          />
        </InlineField>
        {onRemove && (
          <Button
            variant="secondary"
            fill="text"
            icon="trash-alt"
            aria-label={`Remove scenario ${ordinal}`}
            tooltip={`Remove scenario ${ordinal}`}
            onClick={onRemove}
          />
        )}
      </Stack>
    </div>
  );
}

interface KindFieldProps {
  id: string;
  label: string;
  value: Kind;
  onChange: (kind: Kind) => void;
}

function KindField({ id, label, value, onChange }: KindFieldProps) {
  return (
    <>
      <HiddenLabel id={id} label={label} />
      <Combobox<Kind>
        id={id}
        aria-labelledby={`${id}-label`}
        width={24}
        options={kinds.map(({ value, label, description }) => ({ value, label, description }))}
        value={value}
        onChange={(chosen) => onChange(chosen.value)}
      />
    </>
  );
}

/** Tells the drop-downs of two scenarios apart: a combobox takes its name from another element only. */
function HiddenLabel({ id, label }: { id: string; label: string }) {
  return (
    <span id={`${id}-label`} hidden>
      {label}
    </span>
  );
}

interface MemberFieldProps {
  dimension: 'region' | 'model';
  id: string;
  label: string;
  placeholder: string;
  value?: string;
  datasource: DataSource;
  onChange: (value?: string) => void;
}

/** A region or model: one in use, a variable, or one that is typed. */
function MemberField({ dimension, id, label, placeholder, value, datasource, onChange }: MemberFieldProps) {
  return (
    <>
      <HiddenLabel id={id} label={label} />
      <Combobox<string>
        id={id}
        aria-labelledby={`${id}-label`}
        width={32}
        placeholder={placeholder}
        createCustomValue
        isClearable
        value={value ?? null}
        options={async (typed) =>
          [...variableChoices(), ...(await datasource.members(dimension))].filter(
            // Idle and unallocated energy are no model's.
            (member) => !member.value.startsWith('__') && member.label.toLowerCase().includes(typed.toLowerCase())
          )
        }
        onChange={(chosen) => onChange(chosen?.value)}
      />
    </>
  );
}

interface TextFieldProps {
  id: string;
  label: string;
  placeholder: string;
  width: number;
  value?: string | number;
  onChange: (entered: string) => void;
}

/** A text that is taken when the field is left; a variable can stand in it. */
export function TextField({ id, label, placeholder, width, value, onChange }: TextFieldProps) {
  return (
    <Input
      id={id}
      aria-label={label}
      width={width}
      placeholder={placeholder}
      defaultValue={value}
      key={value}
      onBlur={({ currentTarget }) => {
        const entered = currentTarget.value.trim();
        if (entered !== (value ?? '').toString()) {
          onChange(entered);
        }
      }}
    />
  );
}

/** A number where it is one; a variable stays as it is. */
export function numberOrText(entered: string): number | string | undefined {
  if (entered === '') {
    return undefined;
  }
  return Number.isFinite(Number(entered)) ? Number(entered) : entered;
}
