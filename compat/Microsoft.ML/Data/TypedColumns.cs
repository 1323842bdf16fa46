// Row classes as rows of a data view: getters that read an object's members, and setters that fill them from a row.
using System.Linq.Expressions;
using System.Numerics;
using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>The object whose members the getters read; exchanged from row to row.</summary>
internal sealed class RowHolder<TRow>
{
    public TRow Value;
}

/// <summary>The columns of a row class.</summary>
internal sealed class TypedColumns<TRow> where TRow : class
{
    private readonly TypedColumn<TRow>[] _columns;

    public TypedColumns(SchemaDefinition definition, SchemaDefinition.Direction direction)
    {
        definition ??= SchemaDefinition.Create(typeof(TRow), direction);
        _columns = definition.Select(c => new TypedColumn<TRow>(c)).ToArray();
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(_columns.Select(c => c.Column));
        Schema = builder.ToSchema();
    }

    /// <summary>The members as columns, in their order; of their types and annotations.</summary>
    public DataViewSchema Schema { get; }

    public IEnumerable<DataViewSchema.DetachedColumn> Columns => _columns.Select(c => c.Column);

    public Delegate CreateGetter(int index, RowHolder<TRow> holder) => _columns[index].CreateGetter(holder);

    /// <summary>The columns of the schema that have a member here, checked to be of its type.</summary>
    public (int Member, DataViewSchema.Column Column)[] Bind(DataViewSchema schema, bool ignoreMissing)
    {
        var bound = new List<(int, DataViewSchema.Column)>();
        for (int i = 0; i < _columns.Length; i++)
        {
            string name = _columns[i].Column.Name;
            if (schema.GetColumnOrNull(name) is not { } column)
            {
                if (ignoreMissing) continue;
                throw new ArgumentOutOfRangeException("Schema", $"Could not find  column '{name}'");
            }
            _columns[i].CheckFillable(column);
            bound.Add((i, column));
        }
        return bound.ToArray();
    }

    /// <summary>An action that fills an object from the row's current values.</summary>
    public Action<TRow> CreateFill(DataViewRow row, IEnumerable<(int Member, DataViewSchema.Column Column)> bound)
    {
        var setters = bound.Select(b => _columns[b.Member].CreateSetter(row, b.Column)).ToArray();
        return target =>
        {
            foreach (var set in setters) set(target);
        };
    }
}

internal sealed class TypedColumn<TRow> where TRow : class
{
    private readonly MemberInfo _member;
    private readonly Type _memberType;
    private Delegate _reader;
    private Delegate _writer;

    public TypedColumn(SchemaDefinition.Column column)
    {
        var type = typeof(TRow);
        const BindingFlags instance = BindingFlags.Instance | BindingFlags.Public;
        _member = (MemberInfo)type.GetField(column.MemberName, instance) ?? type.GetProperty(column.MemberName, instance)
            ?? throw new ArgumentOutOfRangeException("userSchemaDefinition",
                $"No field or property with name '{column.MemberName}' found in type '{type.FullName}'");
        _memberType = SchemaDefinition.TypeOf(_member);

        var (item, isVector) = SchemaDefinition.ItemOf(_memberType);
        if (column.ColumnType is VectorDataViewType != isVector)
        {
            throw new ArgumentOutOfRangeException("userSchemaDefinition", isVector
                ? $"Column '{column.ColumnName}' is supposed to be scalar, but type of associated field '{column.MemberName}' is vector"
                : $"Column '{column.ColumnName}' is supposed to be vector, but type of associated field '{column.MemberName}' is scalar");
        }
        var expected = ColumnTypes.ItemTypeOf(column.ColumnType).RawType;
        if (expected != item)
        {
            throw new ArgumentOutOfRangeException("userSchemaDefinition",
                $"Column '{column.ColumnName}' is supposed to have item type {expected}, but associated field has type {item}");
        }
        Column = new DataViewSchema.DetachedColumn(column.ColumnName, column.ColumnType, column.Annotations);
    }

    public DataViewSchema.DetachedColumn Column { get; }

    // Reading and writing the member without boxing; compiled once a member.
    private Func<TRow, TMember> Reader<TMember>()
    {
        if (_member is PropertyInfo { GetMethod: null }) return null;
        if (_reader == null)
        {
            var row = Expression.Parameter(typeof(TRow));
            _reader = Expression.Lambda<Func<TRow, TMember>>(Expression.MakeMemberAccess(row, _member), row).Compile();
        }
        return (Func<TRow, TMember>)_reader;
    }

    private Action<TRow, TMember> Writer<TMember>()
    {
        if (_writer == null)
        {
            var row = Expression.Parameter(typeof(TRow));
            var value = Expression.Parameter(typeof(TMember));
            _writer = Expression.Lambda<Action<TRow, TMember>>(Expression.Assign(Expression.MakeMemberAccess(row, _member), value), row,
                value).Compile();
        }
        return (Action<TRow, TMember>)_writer;
    }

    public Delegate CreateGetter(RowHolder<TRow> holder)
    {
        if (_memberType == typeof(string)) return TextGetter(holder);
        if (_memberType == typeof(string[])) return TextsGetter(holder);
        var (item, isVector) = SchemaDefinition.ItemOf(_memberType);
        string method = isVector
            ? _memberType.IsArray ? nameof(ArrayGetter) : nameof(BufferGetter)
            : Column.Type is KeyDataViewType ? nameof(KeyGetter) : nameof(ValueGetter);
        return (Delegate)Internal.Generic.Invoke(this, method, item, holder);
    }

    private ValueGetter<T> ValueGetter<T>(RowHolder<TRow> holder)
    {
        var read = Reader<T>();
        return (ref T value) => value = read(holder.Value);
    }

    private ValueGetter<ReadOnlyMemory<char>> TextGetter(RowHolder<TRow> holder)
    {
        var read = Reader<string>();
        return (ref ReadOnlyMemory<char> value) => value = read(holder.Value).AsMemory();
    }

    private ValueGetter<VBuffer<ReadOnlyMemory<char>>> TextsGetter(RowHolder<TRow> holder)
    {
        var read = Reader<string[]>();
        return (ref VBuffer<ReadOnlyMemory<char>> value) =>
        {
            var texts = read(holder.Value) ?? Array.Empty<string>();
            var editor = VBufferEditor.Create(ref value, texts.Length);
            for (int i = 0; i < texts.Length; i++) editor.Values[i] = texts[i].AsMemory();
            value = editor.Commit();
        };
    }

    private ValueGetter<VBuffer<T>> ArrayGetter<T>(RowHolder<TRow> holder)
    {
        var read = Reader<T[]>();
        return (ref VBuffer<T> value) =>
        {
            var values = read(holder.Value);
            var editor = VBufferEditor.Create(ref value, values?.Length ?? 0);
            values.AsSpan().CopyTo(editor.Values);
            value = editor.Commit();
        };
    }

    private ValueGetter<VBuffer<T>> BufferGetter<T>(RowHolder<TRow> holder)
    {
        var read = Reader<VBuffer<T>>();
        return (ref VBuffer<T> value) => read(holder.Value).CopyTo(ref value);
    }

    // A row class holds a key counted from 0; a data view counts from 1, and 0 is the missing key. Vectors of keys are taken as they are.
    private ValueGetter<T> KeyGetter<T>(RowHolder<TRow> holder) where T : unmanaged, IBinaryInteger<T>
    {
        var read = Reader<T>();
        ulong count = ((KeyDataViewType)Column.Type).Count;
        return (ref T value) => value = ToKey(read(holder.Value), count);
    }

    private static T ToKey<T>(T value, ulong count) where T : unmanaged, IBinaryInteger<T> =>
        ulong.CreateTruncating(value) < count ? value + T.One : T.Zero;

    /// <summary>Refuses a column whose values do not fit into the member.</summary>
    public void CheckFillable(DataViewSchema.Column column)
    {
        var (item, isVector) = SchemaDefinition.ItemOf(_memberType);
        if (column.Type is VectorDataViewType != isVector || ColumnTypes.ItemTypeOf(column.Type).RawType != item)
        {
            throw new InvalidOperationException(
                $"Can't bind the IDataView column '{column.Name}' of type '{column.Type}' "
                + $"to field or property '{_member.Name}' of type '{_memberType.FullName}'.");
        }
    }

    public Action<TRow> CreateSetter(DataViewRow row, DataViewSchema.Column column)
    {
        if (_memberType == typeof(string)) return TextSetter(row.GetGetter<ReadOnlyMemory<char>>(column));
        if (_memberType == typeof(string[])) return TextsSetter(row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column));
        var (item, isVector) = SchemaDefinition.ItemOf(_memberType);
        string method = !isVector ? nameof(ValueSetter) : _memberType.IsArray ? nameof(ArraySetter) : nameof(BufferSetter);
        return (Action<TRow>)Internal.Generic.Invoke(this, method, item, row, column);
    }

    private Action<TRow> ValueSetter<T>(DataViewRow row, DataViewSchema.Column column)
    {
        var get = row.GetGetter<T>(column);
        var write = Writer<T>();
        return target =>
        {
            T value = default;
            get(ref value);
            write(target, value);
        };
    }

    private Action<TRow> TextSetter(ValueGetter<ReadOnlyMemory<char>> get)
    {
        var write = Writer<string>();
        ReadOnlyMemory<char> text = default;
        return target =>
        {
            get(ref text);
            write(target, text.ToString());
        };
    }

    private Action<TRow> TextsSetter(ValueGetter<VBuffer<ReadOnlyMemory<char>>> get)
    {
        var write = Writer<string[]>();
        VBuffer<ReadOnlyMemory<char>> texts = default;
        return target =>
        {
            get(ref texts);
            write(target, texts.DenseValues().Select(t => t.ToString()).ToArray());
        };
    }

    // An array of the right length that the object has already is written into; a fresh object gets a fresh one.
    private Action<TRow> ArraySetter<T>(DataViewRow row, DataViewSchema.Column column)
    {
        var get = row.GetGetter<VBuffer<T>>(column);
        var read = Reader<T[]>();
        var write = Writer<T[]>();
        VBuffer<T> buffer = default;
        return target =>
        {
            get(ref buffer);
            var array = read?.Invoke(target);
            if (array?.Length != buffer.Length) array = new T[buffer.Length];
            buffer.CopyTo(array);
            write(target, array);
        };
    }

    private Action<TRow> BufferSetter<T>(DataViewRow row, DataViewSchema.Column column)
    {
        var get = row.GetGetter<VBuffer<T>>(column);
        var read = Reader<VBuffer<T>>();
        var write = Writer<VBuffer<T>>();
        return target =>
        {
            VBuffer<T> buffer = read == null ? default : read(target);
            get(ref buffer);
            write(target, buffer);
        };
    }
}
