using System.Diagnostics;

namespace Ard.Samples.Tests.Notebooks;

/// <summary>
/// Notebooks are what their programs are, and run. With <c>ARD_WRITE_NOTEBOOKS=1</c> in the environment, those that are run are written
/// anew.
/// </summary>
public sealed class NotebookTests
{
    private const int LargestFile = 300_000;

    private static readonly string Folder = Path.Combine(NotebookSource.Root, "examples/notebooks");

    private static string[] Files(string pattern) =>
        [.. Directory.GetFiles(Folder, pattern).Select(path => Path.GetFileNameWithoutExtension(path)).Order()];

    public static TheoryData<string> Names() => [.. Files("0*.cs")];

    private static string Program(string name) => File.ReadAllText(Path.Combine(Folder, name + ".cs"));

    private static string Notebook(string name) => Path.Combine(Folder, name + ".ipynb");

    [Fact]
    public void Every_notebook_has_its_program() => Assert.Equal(Files("0*.cs"), Files("*.ipynb"));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_notebook_has_the_cells_of_its_program(string name)
    {
        var expected = NotebookFile.Write(NotebookSource.Read(Program(name)), outputs: null);
        Assert.Equal(expected, NotebookFile.Sources(File.ReadAllText(Notebook(name))));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_notebook_has_outputs_and_pictures_and_is_small(string name)
    {
        var file = File.ReadAllText(Notebook(name));
        Assert.InRange(file.Length, 1, LargestFile);
        Assert.Contains("\"stream\"", file);
        Assert.Contains("\"image/svg+xml\"", file);
    }

    [Fact]
    public Task The_cells_of_the_second_notebook_run_in_order_and_show_what_the_text_says() => Run("02-which-attack-to-trust");

    // They train more, and take longer.
    [Theory, Trait("Category", "Long")]
    [InlineData("01-teacher-and-student")]
    [InlineData("03-pytorch-teacher-to-onnx")]
    public Task The_cells_of_a_notebook_run_in_order_and_show_what_the_text_says(string name) => Run(name);

    private static async Task Run(string name)
    {
        var cells = NotebookSource.Read(Program(name));
        var (outputs, variables) = await NotebookRunner.Run(cells);
        Assert.Contains(outputs.SelectMany(each => each), output => output.MimeType == "image/svg+xml");
        if (Environment.GetEnvironmentVariable("ARD_WRITE_NOTEBOOKS") == "1")
            await File.WriteAllTextAsync(Notebook(name), NotebookFile.Write(cells, outputs));
        NotebookClaims.Check(name, variables);
    }

    [Fact]
    public async Task A_cell_that_fails_is_named()
    {
        var failed = await Assert.ThrowsAsync<InvalidOperationException>(
            () => NotebookRunner.Run([new(false, "# A"), new(true, "var a = 1;"), new(true, "throw new Exception($\"a is {a}\");")]));
        Assert.StartsWith("Cell 3: a is 1", failed.Message, StringComparison.Ordinal);
        var unknown = await Assert.ThrowsAsync<InvalidOperationException>(() => NotebookRunner.Run([new(true, "Nobody.Knows();")]));
        Assert.Contains("Nobody", unknown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cells_share_variables_and_what_they_write_and_show_is_kept_in_its_order()
    {
        var (outputs, variables) = await NotebookRunner.Run(
        [
            new(true, "#r \"nuget: Nothing, 1.0\"\nvar list = new List<int> { 1 };\nConsole.WriteLine(\"one\");"),
            new(true, "list.Add(2);\nConsole.WriteLine(list.Count);\n\"<svg/>\".DisplayAs(\"image/svg+xml\");\n"
                + "Console.WriteLine(\"after\");"),
        ]);
        Assert.Equal([new(Output.Console, "one\n")], outputs[0]);
        Assert.Equal([new(Output.Console, "2\n"), new("image/svg+xml", "<svg/>"), new(Output.Console, "after\n")], outputs[1]);
        Assert.Equal([1, 2], (List<int>)variables["list"]);
    }

    // Builds by itself, so it is not among the short ones.
    [Theory, Trait("Category", "Long")]
    [MemberData(nameof(Names))]
    public void A_program_runs(string name)
    {
        var start = new ProcessStartInfo("dotnet", ["run", Path.Combine(Folder, name + ".cs")])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = NotebookSource.Root,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output);
        Assert.Contains(".svg", output, StringComparison.Ordinal);
    }
}
