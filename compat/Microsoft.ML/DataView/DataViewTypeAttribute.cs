// Stands in for Microsoft.ML.DataView and Microsoft.ML.Data: column types of a program's own classes, such as images.
using System.Collections.Concurrent;

namespace Microsoft.ML.Data;

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public abstract class DataViewTypeAttribute : Attribute, IEquatable<DataViewTypeAttribute>
{
    protected DataViewTypeAttribute() { }

    public abstract bool Equals(DataViewTypeAttribute other);

    public abstract void Register();
}

public static class DataViewTypeManager
{
    private static readonly ConcurrentDictionary<(Type, DataViewTypeAttribute), DataViewType> s_types = new();

    public static void Register(DataViewType dataViewType, Type type, DataViewTypeAttribute typeAttribute = null)
    {
        ArgumentNullException.ThrowIfNull(dataViewType);
        if (dataViewType.RawType != type)
            throw new ArgumentException($"The raw type of {dataViewType} is {dataViewType.RawType}, not {type}.", nameof(type));
        if (!s_types.GetOrAdd((type, typeAttribute), dataViewType).Equals(dataViewType))
            throw new ArgumentException($"Type {type} is already registered as another type.", nameof(type));
    }

    /// <summary>The data view type of a member of the given type with the given attribute; null when there is none.</summary>
    internal static DataViewType Find(Type type, DataViewTypeAttribute attribute)
    {
        attribute?.Register();
        return s_types.GetValueOrDefault((type, attribute));
    }
}
