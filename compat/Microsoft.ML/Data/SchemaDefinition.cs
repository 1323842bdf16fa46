// Stands in for Microsoft.ML.Data: the schema of a row class, adjustable before it is used.
using System.Reflection;

namespace Microsoft.ML.Data;

public sealed class SchemaDefinition : List<SchemaDefinition.Column>
{
    private SchemaDefinition() { }

    [Flags]
    public enum Direction
    {
        Read = 1,
        Write = 2,
        Both = Read | Write,
    }

    public Column this[string columnName]
    {
        get => Find(c => c.ColumnName == columnName);
        set
        {
            ArgumentException.ThrowIfNullOrEmpty(columnName);
            int at = FindIndex(c => c.ColumnName == columnName);
            if (at < 0) Add(value);
            else this[at] = value;
        }
    }

    public static SchemaDefinition Create(Type userType, Direction direction = Direction.Both)
    {
        ArgumentNullException.ThrowIfNull(userType);
        var definition = new SchemaDefinition();
        foreach (var member in Members(userType, direction))
        {
            string name = member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name;
            if (definition[name] != null) throw new ArgumentException($"Duplicate column name '{name}' detected, this is disallowed",
                nameof(userType));
            definition.Add(new Column(member.Name, name, InferType(member)));
        }
        return definition;
    }

    private static IEnumerable<MemberInfo> Members(Type type, Direction direction)
    {
        const BindingFlags instance = BindingFlags.Instance | BindingFlags.Public;
        var fields = type.GetFields(instance).Cast<MemberInfo>();
        var properties = type.GetProperties(instance).Where(p => p.GetIndexParameters().Length == 0
            && ((direction & Direction.Read) == 0 || p.GetMethod is { IsPublic: true })
            && ((direction & Direction.Write) == 0 || p.SetMethod is { IsPublic: true }));
        return fields.Concat(properties).Where(m => m.GetCustomAttribute<NoColumnAttribute>() == null);
    }

    internal static Type TypeOf(MemberInfo member) => member is FieldInfo field ? field.FieldType : ((PropertyInfo)member).PropertyType;

    /// <summary>The type of the items that a member of the type holds, and whether it holds a vector of them.</summary>
    internal static (Type Item, bool IsVector) ItemOf(Type memberType)
    {
        bool isVector = memberType.IsArray || (memberType.IsGenericType && memberType.GetGenericTypeDefinition() == typeof(VBuffer<>));
        var item = !isVector ? memberType : memberType.IsArray ? memberType.GetElementType() : memberType.GetGenericArguments()[0];
        return (item == typeof(string) ? typeof(ReadOnlyMemory<char>) : item, isVector);
    }

    private static DataViewType InferType(MemberInfo member)
    {
        var memberType = TypeOf(member);
        var (itemType, isVector) = ItemOf(memberType);
        PrimitiveDataViewType item = ColumnTypes.OfRawType(itemType);
        if (member.GetCustomAttribute<KeyTypeAttribute>() is { } key)
        {
            if (!KeyDataViewType.IsValidDataType(itemType))
            {
                throw new ArgumentOutOfRangeException("userType",
                    $"Member {member.Name} marked with KeyType attribute, but does not appear to be a valid kind of data for a key type");
            }
            item = new KeyDataViewType(itemType, key.Count
                ?? throw new NotSupportedException("Using KeyType without the Count parameter is not supported"));
        }
        var vector = member.GetCustomAttribute<VectorTypeAttribute>();
        if (vector != null && !isVector)
            throw new ArgumentOutOfRangeException("userType",
                $"Member {member.Name} marked with VectorType attribute, but does not appear to be a vector type");
        if (item != null) return isVector ? new VectorDataViewType(item, vector?.Dimensions ?? new int[1]) : item;
        return DataViewTypeManager.Find(memberType, member.GetCustomAttributes().OfType<DataViewTypeAttribute>().FirstOrDefault())
            ?? throw new ArgumentOutOfRangeException("rawType",
                $"Could not determine an IDataView type and registered custom types for member {member.Name}");
    }

    public sealed class Column
    {
        private readonly Dictionary<string, (DataViewType Type, Delegate Getter)> _annotations = new();

        internal Column(string memberName, string columnName, DataViewType columnType)
        {
            MemberName = memberName;
            ColumnName = columnName;
            ColumnType = columnType;
        }

        public string MemberName { get; }

        public string ColumnName { get; set; }

        public DataViewType ColumnType { get; set; }

        public DataViewSchema.Annotations Annotations
        {
            get
            {
                var builder = new DataViewSchema.Annotations.Builder();
                foreach (var (kind, (type, getter)) in _annotations) builder.Add(kind, type, getter);
                return builder.ToAnnotations();
            }
        }

        public void AddAnnotation<T>(string kind, T value, DataViewType annotationType)
        {
            ArgumentException.ThrowIfNullOrEmpty(kind);
            ArgumentNullException.ThrowIfNull(annotationType);
            if (_annotations.ContainsKey(kind))
                throw new ArgumentException("Column already contains an annotation of this kind.", nameof(kind));
            _annotations.Add(kind, (annotationType, (ValueGetter<T>)((ref T destination) => destination = value)));
        }
    }
}
