using System.Text.Encodings.Web;
using System.Text.Json.Nodes;

namespace Ard.Samples.Tests.Notebooks;

/// <summary>What a cell of code has put out: a piece of text, or something of another type, such as a picture.</summary>
internal sealed record Output(string MimeType, string Text)
{
    /// <summary>The type of what is written to the console.</summary>
    public const string Console = "text/plain";
}

/// <summary>Notebooks as files of Jupyter (nbformat 4.5).</summary>
internal static class NotebookFile
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        IndentSize = 1,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The file's text.</summary>
    /// <param name="cells">The cells.</param>
    /// <param name="outputs">For each cell what it has put out; null for a notebook that was not run.</param>
    public static string Write(IReadOnlyList<Cell> cells, IReadOnlyList<IReadOnlyList<Output>>? outputs)
    {
        var executions = 0;
        return new JsonObject
        {
            ["cells"] = new JsonArray([.. cells.Select((cell, i) => Of(cell, i))]),
            ["metadata"] = new JsonObject
            {
                ["kernelspec"] = new JsonObject { ["display_name"] = ".NET (C#)", ["language"] = "C#", ["name"] = ".net-csharp" },
                ["language_info"] = new JsonObject { ["file_extension"] = ".cs", ["mimetype"] = "text/x-csharp", ["name"] = "C#" },
            },
            ["nbformat"] = 4,
            ["nbformat_minor"] = 5,
        }.ToJsonString(Json) + "\n";

        JsonNode Of(Cell cell, int i)
        {
            var node = new JsonObject
            {
                ["cell_type"] = cell.IsCode ? "code" : "markdown",
                ["id"] = $"cell-{i + 1}",
                ["metadata"] = new JsonObject(),
                ["source"] = Lines(cell.Text),
            };
            if (!cell.IsCode) return node;
            node["metadata"] = new JsonObject { ["dotnet_interactive"] = new JsonObject { ["language"] = "csharp" } };
            node["execution_count"] = outputs is null ? null : ++executions;
            node["outputs"] = new JsonArray([.. (outputs?[i] ?? []).Select(Put)]);
            return node;
        }
    }

    /// <summary>A file's text without what was put out.</summary>
    public static string Sources(string file)
    {
        var notebook = JsonNode.Parse(file)!;
        foreach (var cell in notebook["cells"]!.AsArray().Where(cell => (string?)cell!["cell_type"] == "code"))
        {
            cell!["execution_count"] = null;
            cell["outputs"] = new JsonArray();
        }
        return notebook.ToJsonString(Json) + "\n";
    }

    private static JsonNode Put(Output output) => output.MimeType == Output.Console
        ? new JsonObject { ["name"] = "stdout", ["output_type"] = "stream", ["text"] = Lines(output.Text) }
        : new JsonObject
        {
            ["data"] = new JsonObject { [output.MimeType] = Lines(output.Text) },
            ["metadata"] = new JsonObject(),
            ["output_type"] = "display_data",
        };

    // Every line with its end, but for the last.
    private static JsonArray Lines(string text)
    {
        var lines = text.Split('\n');
        return [.. lines.Select((line, i) => (JsonNode?)(i < lines.Length - 1 ? line + "\n" : line)).Where(line => (string?)line != "")];
    }
}
