// The library's own wording of errors in a schema.
namespace Microsoft.ML.Data;

internal static class SchemaErrors
{
    public static ArgumentOutOfRangeException Missing(string kind, string name, string parameter = "inputSchema") =>
        new(parameter, $"Could not find {kind} column '{name}'");

    public static ArgumentOutOfRangeException Mismatch(string kind, string name, string expected, string actual,
        string parameter = "inputSchema") =>
        new(parameter, $"Schema mismatch for {kind} column '{name}': expected {expected}, got {actual}");

    public static DataViewSchema.Column Find(this DataViewSchema schema, string kind, string name, string parameter = "inputSchema") =>
        schema.GetColumnOrNull(name) ?? throw Missing(kind, name, parameter);
}
