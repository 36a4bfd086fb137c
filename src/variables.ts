import { from, map, Observable } from 'rxjs';

import { CustomVariableSupport, DataQueryRequest, DataQueryResponse } from '@grafana/data';

import { VariableQueryEditor } from './components/VariableQueryEditor';
import { DataSource } from './datasource';
import { WattScoreVariableQuery } from './types';

/** Dashboard variables that list the members of a dimension. */
export class VariableSupport extends CustomVariableSupport<DataSource, WattScoreVariableQuery> {
  editor = VariableQueryEditor;

  constructor(private readonly datasource: DataSource) {
    super();
  }

  query(request: DataQueryRequest<WattScoreVariableQuery>): Observable<DataQueryResponse> {
    const [{ dimension, filters }] = request.targets;
    return from(this.datasource.findMembers(dimension, filters, request.scopedVars)).pipe(map((data) => ({ data })));
  }
}
