// The tables of column types that conversions, loaders and model files share.
namespace Microsoft.ML.Data;

public enum DataKind : byte
{
    SByte = 1,
    Byte = 2,
    Int16 = 3,
    UInt16 = 4,
    Int32 = 5,
    UInt32 = 6,
    Int64 = 7,
    UInt64 = 8,
    Single = 9,
    Double = 10,
    String = 11,
    Boolean = 12,
    TimeSpan = 13,
    DateTime = 14,
    DateTimeOffset = 15,
}

internal static class ColumnTypes
{
    private static readonly Dictionary<DataKind, PrimitiveDataViewType> s_byKind = new()
    {
        [DataKind.SByte] = NumberDataViewType.SByte,
        [DataKind.Byte] = NumberDataViewType.Byte,
        [DataKind.Int16] = NumberDataViewType.Int16,
        [DataKind.UInt16] = NumberDataViewType.UInt16,
        [DataKind.Int32] = NumberDataViewType.Int32,
        [DataKind.UInt32] = NumberDataViewType.UInt32,
        [DataKind.Int64] = NumberDataViewType.Int64,
        [DataKind.UInt64] = NumberDataViewType.UInt64,
        [DataKind.Single] = NumberDataViewType.Single,
        [DataKind.Double] = NumberDataViewType.Double,
        [DataKind.String] = TextDataViewType.Instance,
        [DataKind.Boolean] = BooleanDataViewType.Instance,
        [DataKind.TimeSpan] = TimeSpanDataViewType.Instance,
        [DataKind.DateTime] = DateTimeDataViewType.Instance,
        [DataKind.DateTimeOffset] = DateTimeOffsetDataViewType.Instance,
    };

    private static readonly Dictionary<Type, PrimitiveDataViewType> s_byRawType = s_byKind.Values
        .Append(RowIdDataViewType.Instance).ToDictionary(type => type.RawType);

    public static PrimitiveDataViewType Of(DataKind kind) => s_byKind.TryGetValue(kind, out var type)
        ? type
        : throw new ArgumentOutOfRangeException(nameof(kind));

    /// <summary>The primitive type, other than a key, whose values have the .NET type; null when there is none.</summary>
    public static PrimitiveDataViewType OfRawType(Type rawType) => s_byRawType.GetValueOrDefault(rawType);

    public static PrimitiveDataViewType NumberOf(Type rawType) => s_byRawType[rawType];

    public static DataKind? KindOf(DataViewType type) => s_byKind
        .Where(pair => pair.Value.RawType == type.RawType).Select(pair => (DataKind?)pair.Key).FirstOrDefault();

    public static DataViewType ItemTypeOf(DataViewType type) => type is VectorDataViewType vector ? vector.ItemType : type;

    /// <summary>The type with the same shape and other items.</summary>
    public static DataViewType WithItem(DataViewType type, PrimitiveDataViewType item) =>
        type is VectorDataViewType vector ? new VectorDataViewType(item, vector.Dimensions) : item;
}

/// <summary>The kinds of annotations that the library's own components know.</summary>
internal static class AnnotationKinds
{
    public const string SlotNames = "SlotNames";
    public const string KeyValues = "KeyValues";
    public const string IsNormalized = "IsNormalized";
    public const string TrainingLabelValues = "TrainingLabelValues";
    public const string ScoreColumnSetId = "ScoreColumnSetId";
    public const string ScoreColumnKind = "ScoreColumnKind";
    public const string ScoreValueKind = "ScoreValueKind";
    public const string MulticlassClassification = "MulticlassClassification";
    public const string Score = "Score";
    public const string PredictedLabel = "PredictedLabel";
}
