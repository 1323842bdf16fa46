using System.Reflection;
using Ard.Examples.ImageFolder;

namespace Ard.Examples.Tests.Documentation;

/// <summary>The README's program does what the README says, on photographs that are drawn for it.</summary>
public sealed class ReadmeProgramTests
{
    [Fact]
    public void The_first_program_of_the_README_goes_from_photographs_to_a_saved_student()
    {
        var folder = Directory.CreateTempSubdirectory("ard-readme-").FullName;
        try
        {
            Scenes.Draw(Path.Combine(folder, "photographs"), count: 48);
            var code = Page.All.Single(page => page.Name == "README.md").Code("csharp").First().Code;
            Assert.InRange(code.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, 5, 12);
            foreach (var name in new[] { "photographs", "student.zip" })
                code = code.Replace($"\"{name}\"", $"@\"{Path.Combine(folder, name)}\"", StringComparison.Ordinal);
            using var program = new MemoryStream();
            Assert.True(CodeTests.Compilation(code).Emit(program).Success);

            Assembly.Load(program.ToArray()).EntryPoint!.Invoke(null, [Array.Empty<string>()]);

            Assert.True(new FileInfo(Path.Combine(folder, "student.zip")).Length > 0);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
