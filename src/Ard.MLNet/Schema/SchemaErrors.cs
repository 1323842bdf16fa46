namespace Ard.MLNet.Schema;

/// <summary>Errors about columns, in the words that ML.NET's own trainers and transformers use.</summary>
internal static class SchemaErrors
{
    public static ArgumentOutOfRangeException Mismatch(string role, string column, object expected, object found) =>
        new("inputSchema", $"Schema mismatch for {role} column '{column}': expected {expected}, got {found}");

    /// <summary>What makes a label column of another type a key.</summary>
    public static string KeyHint(string column) =>
        $"; mlContext.Transforms.Conversion.MapValueToKey(\"{column}\") in front of the trainer makes it a key";

    /// <summary>What gives a vector of objects in memory a size.</summary>
    public const string SizeHint = "; on the property of a class, [VectorType(channels, height, width)] says the size";

    public static DataViewSchema.Column Find(DataViewSchema schema, string role, string column) => schema.GetColumnOrNull(column)
        ?? throw new ArgumentOutOfRangeException("inputSchema", $"Could not find {role} column '{column}'");
}
