// Stands in for Microsoft.ML.Data: the first rows of a view, for a debugger or a test to look at.
using System.Collections.Immutable;
using Microsoft.ML.Data;

namespace Microsoft.ML.Data
{
    public sealed class DataDebuggerPreview
    {
        internal DataDebuggerPreview(IDataView data, int maxRows)
        {
            Schema = data.Schema;
            var rows = new List<object[]>();
            using (var cursor = data.GetRowCursor(Schema))
            {
                var readers = Schema.Select(c =>
                    (Func<object>)Internal.Generic.Invoke(typeof(DataDebuggerPreview), nameof(Reader), c.Type.RawType, cursor, c))
                    .ToArray();
                while (rows.Count < maxRows && cursor.MoveNext()) rows.Add(readers.Select(read => read()).ToArray());
            }
            RowView = rows.Select(row => new RowInfo(Schema, row)).ToImmutableArray();
            ColumnView = Schema.Select(c => new ColumnInfo(c, rows.Select(row => row[c.Index]).ToArray())).ToImmutableArray();
        }

        public DataViewSchema Schema { get; }

        public ImmutableArray<ColumnInfo> ColumnView { get; }

        public ImmutableArray<RowInfo> RowView { get; }

        private static Func<object> Reader<T>(DataViewRow row, DataViewSchema.Column column)
        {
            var get = row.GetGetter<T>(column);
            return () =>
            {
                T value = default;
                get(ref value);
                return value;
            };
        }

        public override string ToString() => $"{Schema.Count} columns, {RowView.Length} rows";

        public sealed class ColumnInfo
        {
            internal ColumnInfo(DataViewSchema.Column column, object[] values)
            {
                Column = column;
                Values = values;
            }

            public DataViewSchema.Column Column { get; }

            public object[] Values { get; }

            public override string ToString() => Column.ToString();
        }

        public sealed class RowInfo
        {
            internal RowInfo(DataViewSchema schema, object[] values) =>
                Values = values.Select((value, i) => new KeyValuePair<string, object>(schema[i].Name, value)).ToArray();

            public KeyValuePair<string, object>[] Values { get; }

            public override string ToString() => $"{Values.Length} columns";
        }
    }
}

namespace Microsoft.ML
{
    public static class DebuggerExtensions
    {
        public static DataDebuggerPreview Preview(this IDataView data, int maxRows = 100)
        {
            ArgumentNullException.ThrowIfNull(data);
            ArgumentOutOfRangeException.ThrowIfNegative(maxRows);
            return new DataDebuggerPreview(data, maxRows);
        }

        public static DataDebuggerPreview Preview(this ITransformer transformer, IDataView data, int maxRows = 100)
        {
            ArgumentNullException.ThrowIfNull(transformer);
            return transformer.Transform(data).Preview(maxRows);
        }
    }
}
