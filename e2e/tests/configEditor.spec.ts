import { databasePassword, dataSource } from '../environment';
import { expect, settingsOf, test } from '../test';

test('Save & test says what it is connected to', async ({ gotoDataSourceConfigPage }) => {
  const configPage = await gotoDataSourceConfigPage(dataSource.uid);
  await expect(configPage.saveAndTest()).toBeOK();
  await expect(configPage).toHaveAlert('success', {
    hasText: /Connected to PostgreSQL [\d.]+.*WattScore schema \d+\. The newest event is of \d+ \w+ 20\d\d/,
  });
});

test('a new data source is filled in by hand', async ({ createDataSourceConfigPage, page, request }) => {
  test.skip(!databasePassword, 'WATTSCORE_PASSWORD does not say the password of the data source’s user');
  const { jsonData } = await settingsOf(request);
  const configPage = await createDataSourceConfigPage({ type: dataSource.type });
  await page.getByLabel('Host').fill(String(jsonData.host));
  await page.getByLabel('Database').fill(String(jsonData.database));
  await page.getByLabel('User', { exact: false }).first().fill(String(jsonData.user));
  await page.locator('#wattscore-config-password').fill(databasePassword ?? '');
  if (jsonData.tlsMode === 'disable') {
    await page.getByRole('combobox', { name: 'TLS' }).click();
    await page.getByRole('option', { name: /^Disable/ }).click();
  }
  await expect(configPage.saveAndTest()).toBeOK();
  await expect(configPage).toHaveAlert('success', { hasText: 'Connected to PostgreSQL' });
});

test('a wrong password is called one', async ({ anotherDataSource, gotoDataSourceConfigPage, page, request }) => {
  const { jsonData } = await settingsOf(request);
  const configPage = await gotoDataSourceConfigPage(await anotherDataSource({}, 'not the password'));
  await expect(configPage.saveAndTest()).not.toBeOK();
  await expect(configPage).toHaveAlert('error', { hasText: String(jsonData.user) });
  await expect(configPage).toHaveAlert('error', { hasText: /password/i });
  await expect(page.getByText('not the password')).toHaveCount(0);
});

test('a server that is not there is named, with what to check', async ({
  anotherDataSource,
  gotoDataSourceConfigPage,
}) => {
  const configPage = await gotoDataSourceConfigPage(await anotherDataSource({ host: '127.0.0.1:1' }, 'any'));
  await expect(configPage.saveAndTest()).not.toBeOK();
  await expect(configPage).toHaveAlert('error', { hasText: '127.0.0.1' });
  await expect(configPage).toHaveAlert('error', { hasText: /host|port|running|firewall/i });
});

test('certificates are asked for where they are needed, and the superuser is warned of', async ({
  createDataSourceConfigPage,
  page,
}) => {
  await createDataSourceConfigPage({ type: dataSource.type });
  const tls = page.getByRole('combobox', { name: 'TLS' });
  const authority = page.locator('#wattscore-config-tlsCaCert');
  const client = page.locator('#wattscore-config-tlsClientCert');
  await expect(client).toBeVisible();
  await expect(authority).toHaveCount(0);
  await tls.click();
  await page.getByRole('option', { name: /^Verify full/ }).click();
  await expect(authority).toBeVisible();
  await tls.click();
  await page.getByRole('option', { name: /^Disable/ }).click();
  await expect(authority).toHaveCount(0);
  await expect(client).toHaveCount(0);

  await expect(page.getByText('postgres can change and delete everything')).toHaveCount(0);
  await page.locator('#wattscore-config-user').fill('postgres');
  await expect(page.getByText('postgres can change and delete everything')).toBeVisible();
});

test('the config editor is accessible', async ({ createDataSourceConfigPage, page, scanForA11yViolations }) => {
  await createDataSourceConfigPage({ type: dataSource.type });
  await expect(page.locator('#wattscore-config-host')).toBeVisible();
  const report = await scanForA11yViolations({ include: 'fieldset:has([id^="wattscore-config-"])' });
  expect(report.passes.length).toBeGreaterThan(0);
  expect(report).toHaveNoA11yViolations();
});
