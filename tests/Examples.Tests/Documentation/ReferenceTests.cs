namespace Ard.Examples.Tests.Documentation;

public sealed class ReferenceTests
{
    [Fact]
    public void The_API_reference_and_the_lists_of_public_members_are_up_to_date()
    {
        using var program = new ExampleProgram("Ard.Reference");
        var (code, output, error) = program.Run(Page.Root, "--check");
        Assert.True(code == 0, output + error);
    }
}
