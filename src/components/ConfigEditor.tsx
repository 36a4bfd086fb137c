import React, { ChangeEvent, useEffect, useRef } from 'react';

import {
  DataSourcePluginOptionsEditorProps,
  onUpdateDatasourceJsonDataOption,
  onUpdateDatasourceSecureJsonDataOption,
} from '@grafana/data';
import { Alert, Combobox, Field, FieldSet, Input, SecretInput, SecretTextArea } from '@grafana/ui';

import { TLSMode, WattScoreOptions, WattScoreSecureOptions } from '../types';

type Props = DataSourcePluginOptionsEditorProps<WattScoreOptions, WattScoreSecureOptions>;

const months = Array.from({ length: 12 }, (_, index) => ({
  value: index + 1,
  label: new Date(Date.UTC(2001, index, 1)).toLocaleString('en', { month: 'long', timeZone: 'UTC' }),
}));

const tlsModes: Array<{ value: TLSMode; label: string; description: string }> = [
  { value: 'disable', label: 'Disable', description: 'No encryption: only on a network you trust' },
  { value: 'require', label: 'Require', description: 'Encrypted, the server is not checked' },
  { value: 'verify-ca', label: 'Verify CA', description: "The server's certificate is signed by the authority below" },
  { value: 'verify-full', label: 'Verify full', description: 'And made out to the host: the safest' },
];

const width = 60;

/** Everything an admin needs to connect, explained beside each field. */
export function ConfigEditor(props: Props) {
  const { options, onOptionsChange } = props;
  const { jsonData, secureJsonFields } = options;
  const tlsMode = jsonData.tlsMode ?? 'require';

  const text = (key: 'host' | 'database' | 'user' | 'timeZone' | 'gpuAgentUrl' | 'gpuRegion') => ({
    id: `wattscore-config-${key}`,
    width,
    value: jsonData[key] ?? '',
    onChange: onUpdateDatasourceJsonDataOption(props, key),
  });
  const number = (
    key: 'maxConnections' | 'queryTimeoutSeconds' | 'connectTimeoutSeconds' | 'carbonPriceUsdPerTonne'
  ) => ({
    id: `wattscore-config-${key}`,
    width,
    type: 'number',
    min: 0,
    value: jsonData[key] ?? '',
    onChange: ({ currentTarget }: ChangeEvent<HTMLInputElement>) =>
      onOptionsChange({
        ...options,
        jsonData: { ...jsonData, [key]: currentTarget.value === '' ? undefined : Number(currentTarget.value) },
      }),
  });
  const secret = (key: keyof WattScoreSecureOptions) => ({
    id: `wattscore-config-${key}`,
    isConfigured: Boolean(secureJsonFields?.[key]),
    onChange: onUpdateDatasourceSecureJsonDataOption(props, key),
    onReset: () =>
      onOptionsChange({
        ...options,
        secureJsonFields: { ...secureJsonFields, [key]: false },
        secureJsonData: { ...options.secureJsonData, [key]: '' },
      }),
  });
  const certificate = { cols: 60, rows: 6 };
  // A Combobox tells of its last choice whenever it is drawn anew, to the function of when that was made; and to store
  // a choice draws it anew. So only what differs from what is stored by now is stored.
  const stored = useRef(options);
  useEffect(() => {
    stored.current = options;
  });
  const choose = (choice: Partial<WattScoreOptions>) =>
    queueMicrotask(() => {
      const { jsonData } = stored.current;
      if ((Object.keys(choice) as Array<keyof WattScoreOptions>).some((key) => choice[key] !== jsonData[key])) {
        onOptionsChange({ ...stored.current, jsonData: { ...jsonData, ...choice } });
      }
    });

  return (
    <>
      <FieldSet label="Connection">
        <Field label="Host" description="The PostgreSQL server's name, with its port if it is not 5432" required>
          <Input {...text('host')} placeholder="db.example.com:5432" />
        </Field>
        <Field label="Database" description="The database that wattctl db migrate was run on" required>
          <Input {...text('database')} placeholder="energy" />
        </Field>
        <Field
          label="User"
          description="A login that can only read: wattctl db roles --reader grafana. With --scope it sees some business units only"
          required
        >
          <Input {...text('user')} placeholder="grafana" />
        </Field>
        {jsonData.user === 'postgres' && (
          <Alert severity="warning" title="postgres can change and delete everything">
            Dashboards only need to read. Make a login for them with: wattctl db roles --reader grafana
          </Alert>
        )}
        <Field label="Password" description="Stored encrypted; it is not shown again">
          <SecretInput {...secret('password')} width={width} placeholder="password" />
        </Field>
      </FieldSet>

      <FieldSet label="Security">
        <Field label="TLS" description="How the connection is protected and how far the server is checked">
          <Combobox<TLSMode>
            id="wattscore-config-tlsMode"
            aria-label="TLS"
            width={width}
            options={tlsModes}
            value={tlsMode}
            onChange={({ value }) => choose({ tlsMode: value })}
          />
        </Field>
        {(tlsMode === 'verify-ca' || tlsMode === 'verify-full') && (
          <Field label="CA certificate" description="PEM text; empty trusts the authorities of this machine">
            <SecretTextArea {...secret('tlsCaCert')} {...certificate} placeholder="-----BEGIN CERTIFICATE-----" />
          </Field>
        )}
        {tlsMode !== 'disable' && (
          <>
            <Field label="Client certificate" description="PEM text; only where the server asks for one">
              <SecretTextArea {...secret('tlsClientCert')} {...certificate} placeholder="-----BEGIN CERTIFICATE-----" />
            </Field>
            <Field label="Client key" description="PEM text; goes with the client certificate">
              <SecretTextArea {...secret('tlsClientKey')} {...certificate} placeholder="-----BEGIN PRIVATE KEY-----" />
            </Field>
          </>
        )}
      </FieldSet>

      <FieldSet label="Company">
        <Field
          label="Internal carbon price"
          description="USD per tonne CO₂e, for chargeback; empty charges nothing back"
        >
          <Input {...number('carbonPriceUsdPerTonne')} placeholder="100" suffix="USD/t" />
        </Field>
        <Field label="Time zone" description="Where days, weeks and quarters begin; empty takes the warehouse's">
          <Input {...text('timeZone')} placeholder="Europe/Berlin" />
        </Field>
        <Field label="Fiscal year" description="The month in which it begins; empty takes the warehouse's">
          <Combobox<number>
            id="wattscore-config-fiscalYearStartMonth"
            width={width}
            isClearable
            placeholder="January"
            options={months}
            value={jsonData.fiscalYearStartMonth ?? null}
            onChange={(month) => choose({ fiscalYearStartMonth: month?.value })}
          />
        </Field>
      </FieldSet>

      <FieldSet label="Live GPUs">
        <Field
          label="Agent"
          description="Address of a wattctl collect whose GPUs are shown live; empty shows those of the machine Grafana runs on"
        >
          <Input {...text('gpuAgentUrl')} placeholder="http://gpu-node-1:9464" />
        </Field>
        <Field label="Region" description="Where those GPUs stand: its PUE, price and grid intensity price them">
          <Input {...text('gpuRegion')} placeholder="europe-west4" />
        </Field>
      </FieldSet>

      <FieldSet label="Limits">
        <Field label="Connections" description="The most connections this data source holds to the server">
          <Input {...number('maxConnections')} placeholder="8" />
        </Field>
        <Field label="Query time limit" description="The server ends a query that takes longer">
          <Input {...number('queryTimeoutSeconds')} placeholder="30" suffix="s" />
        </Field>
        <Field label="Connect time limit" description="How long to wait for the server to answer">
          <Input {...number('connectTimeoutSeconds')} placeholder="5" suffix="s" />
        </Field>
      </FieldSet>
    </>
  );
}
