// Stands in for Microsoft.ML.Core: what an estimator knows of a schema before it has seen data.
using System.Collections;
using Microsoft.ML.Data;

namespace Microsoft.ML;

public sealed class SchemaShape : IReadOnlyList<SchemaShape.Column>
{
    private readonly Column[] _columns;

    internal static readonly SchemaShape Empty = new(Array.Empty<Column>());

    public SchemaShape(IEnumerable<Column> columns) => _columns = (columns ?? throw new ArgumentNullException(nameof(columns))).ToArray();

    public int Count => _columns.Length;

    public Column this[int index] => _columns[index];

    public IEnumerator<Column> GetEnumerator() => ((IEnumerable<Column>)_columns).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static SchemaShape Create(DataViewSchema schema) =>
        new(schema.Where(c => !c.IsHidden).Select(c => Column.Of(c.Name, c.Type, Create(c.Annotations.Schema))));

    internal bool TryFindColumn(string name, out Column column)
    {
        int index = Array.FindIndex(_columns, c => c.Name == name);
        column = index < 0 ? default : _columns[index];
        return index >= 0;
    }

    internal Column Find(string kind, string name) =>
        TryFindColumn(name, out var column) ? column : throw SchemaErrors.Missing(kind, name);

    /// <summary>This shape with the columns added, each in the place of the column of its name if there is one.</summary>
    internal SchemaShape With(IEnumerable<Column> added)
    {
        var columns = _columns.ToList();
        foreach (var column in added)
        {
            int at = columns.FindIndex(c => c.Name == column.Name);
            if (at < 0) columns.Add(column);
            else columns[at] = column;
        }
        return new SchemaShape(columns);
    }

    internal SchemaShape With(params Column[] added) => With((IEnumerable<Column>)added);

    public readonly struct Column
    {
        public enum VectorKind
        {
            Scalar,
            Vector,
            VariableVector,
        }

        public readonly string Name;
        public readonly VectorKind Kind;
        public readonly DataViewType ItemType;
        public readonly bool IsKey;
        public readonly SchemaShape Annotations;

        internal Column(string name, VectorKind vecKind, DataViewType itemType, bool isKey, SchemaShape annotations = null)
        {
            Name = name;
            Kind = vecKind;
            ItemType = itemType;
            IsKey = isKey;
            Annotations = annotations ?? Empty;
        }

        internal static Column Of(string name, DataViewType type, SchemaShape annotations = null)
        {
            var vector = type as VectorDataViewType;
            var kind = vector == null ? VectorKind.Scalar : vector.IsKnownSize ? VectorKind.Vector : VectorKind.VariableVector;
            DataViewType item = vector?.ItemType ?? type;
            bool isKey = item is KeyDataViewType;
            return new Column(name, kind, isKey ? ColumnTypes.NumberOf(item.RawType) : item, isKey, annotations);
        }

        internal Column Renamed(string name, SchemaShape annotations = null) =>
            new(name, Kind, ItemType, IsKey, annotations ?? Annotations);

        internal bool HasAnnotation(string kind) => Annotations.TryFindColumn(kind, out _);

        internal string GetTypeString()
        {
            string item = IsKey ? $"Key<{ItemType}>" : ItemType.ToString();
            return Kind switch
            {
                VectorKind.Vector => $"Vector<{item}>",
                VectorKind.VariableVector => $"VarVector<{item}>",
                _ => item,
            };
        }
    }
}
