using Ard.MLNet;
using Ard.Trainers.Training;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;
using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using TorchSharp;

namespace Ard.Samples.Tests.Notebooks;

/// <summary>Executes a notebook's cells in their order, as .NET Interactive does, with what these tests are built against.</summary>
internal static class NotebookRunner
{
    // The namespaces that .NET Interactive opens, and that of DisplayAs.
    private static readonly string[] Opened =
    [
        "System", "System.IO", "System.Text", "System.Collections", "System.Collections.Generic", "System.Threading.Tasks", "System.Linq",
        typeof(DisplayExtensions).Namespace!,
    ];

    /// <summary>Executes; gives what each cell has put out, and the values of the variables afterwards.</summary>
    /// <exception cref="InvalidOperationException">A cell does not compile or has thrown; the message says which, and why.</exception>
    public static async Task<(IReadOnlyList<IReadOnlyList<Output>> Outputs, IReadOnlyDictionary<string, object> Variables)> Run(
        IReadOnlyList<Cell> cells)
    {
        var options = ScriptOptions.Default.WithImports(Opened).WithReferences(References());
        ScriptState? state = null;
        var outputs = new List<IReadOnlyList<Output>>();
        using var console = new RedirectedConsole();
        using var folder = new Folder(Path.Combine(NotebookSource.Root, "examples", "notebooks"));
        foreach (var (number, cell) in cells.Index())
        {
            var put = new List<Output>();
            DisplayExtensions.Shown = output =>
            {
                TakeConsole();
                put.Add(output);
            };
            try
            {
                if (cell.IsCode)
                    state = await (state is null
                        ? CSharpScript.RunAsync(WithoutReferences(cell.Text), options)
                        : state.ContinueWithAsync(WithoutReferences(cell.Text)));
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Cell {number + 1}: {exception.Message}\n{cell.Text}", exception);
            }
            TakeConsole();
            outputs.Add(put);

            void TakeConsole()
            {
                if (console.Take() is { Length: > 0 } text) put.Add(new Output(Output.Console, text));
            }
        }
        return (outputs, state!.Variables.ToDictionary(variable => variable.Name, variable => variable.Value));
    }

    // A notebook runs in the folder that it lies in.
    private sealed class Folder : IDisposable
    {
        private readonly string before = Environment.CurrentDirectory;

        public Folder(string path) => Environment.CurrentDirectory = path;

        public void Dispose() => Environment.CurrentDirectory = before;
    }

    private static string WithoutReferences(string code) =>
        string.Join('\n', code.Split('\n').Where(line => !line.StartsWith("#r ", StringComparison.Ordinal)));

    // The library, what it stands on (ML.NET is several assemblies), and DisplayAs.
    private static IEnumerable<System.Reflection.Assembly> References()
    {
        var roots = new[] { typeof(ArdTrainer).Assembly, typeof(Trainer).Assembly, typeof(MLContext).Assembly, typeof(torch).Assembly };
        return roots.SelectMany(root => root.GetReferencedAssemblies().Select(System.Reflection.Assembly.Load).Append(root))
            .Append(typeof(InferenceSession).Assembly).Append(typeof(DisplayExtensions).Assembly).Distinct();
    }
}
