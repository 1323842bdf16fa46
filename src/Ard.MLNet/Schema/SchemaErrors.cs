using Microsoft.ML;

namespace Ard.MLNet.Schema;

/// <summary>Errors about columns, in the words that ML.NET's own trainers and transformers use.</summary>
internal static class SchemaErrors
{
    public static ArgumentOutOfRangeException Mismatch(string role, string column, object expected, object found) =>
        new("inputSchema", $"Schema mismatch for {role} column '{column}': expected {expected}, got {found}");

    public static ArgumentOutOfRangeException Missing(string role, string column) =>
        new("inputSchema", $"Could not find {role} column '{column}'");

    /// <summary>The column of this name.</summary>
    public static DataViewSchema.Column Find(DataViewSchema schema, string role, string column) =>
        schema.GetColumnOrNull(column) ?? throw Missing(role, column);
}
