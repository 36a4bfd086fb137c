import { dashboards } from '../dashboards';
import { dataSource } from '../environment';
import { expect, nextQuery, test } from '../test';

const carbon = dashboards.find(({ name }) => name === 'carbon')!;

test('charts mark what happened, and say what it was', async ({ gotoDashboardPage, page, selectors }) => {
  const dashboardPage = await gotoDashboardPage({ uid: carbon.uid });
  const weekly = carbon.panels.find(({ title }) => title === 'Weekly carbon budget')!;
  const panel = dashboardPage.getPanelById(String(weekly.id));
  await panel.scrollIntoView();
  const marks = dashboardPage.getByGrafanaSelector(selectors.pages.Dashboard.Annotations.marker, {
    root: panel.locator,
  });
  await expect(marks.first()).toBeVisible();
  await marks.first().hover();
  await expect(page.getByText(/in production|above|budget|restated|released/i).last()).toBeVisible();
});

test('an annotation query is made in its editor', async ({ gotoAnnotationEditPage, page, scratch }) => {
  const uid = await scratch({
    annotations: {
      list: [
        { name: 'Ours', enable: true, iconColor: 'red', datasource: { uid: dataSource.uid, type: dataSource.type } },
      ],
    },
    time: { from: 'now-1y', to: 'now' },
  });
  const annotationEditPage = await gotoAnnotationEditPage({ dashboard: { uid }, id: '1' }); // 0 is Grafana's own
  await expect(page.getByRole('combobox', { name: 'Question' })).toHaveValue('Annotations');
  const asked = nextQuery(page, 'annotations');
  await expect(annotationEditPage.runQuery()).toBeOK();
  const { answer } = await asked;
  expect(answer.frames?.[0]?.data.values[0].length).toBeGreaterThan(0);
});
