using System.Text.RegularExpressions;
using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;

namespace Ard.Examples.Tests.Documentation;

/// <summary>The tables of the documentation are those of the code.</summary>
public sealed class CatalogTests
{
    private static IEnumerable<string[]> Rows(string page) =>
        File.ReadLines(Path.Combine(Page.Root, page)).Where(line => line.StartsWith('|')).Select(line => line.Split('|')[1..^1]);

    private static IEnumerable<string> Names(string cell) => Regex.Matches(cell, "`([^`]*)`").Select(match => match.Groups[1].Value);

    [Fact]
    public void The_table_of_methods_has_all_of_them_with_their_teachers()
    {
        var documented = Rows("docs/choosing-a-method.md").Where(row => row.Length == 4)
            .SelectMany(row => Names(row[0]).Where(ObjectiveCatalog.Names.Contains).Select(name => (name, Teachers: row[2].Trim())))
            .ToArray();
        Assert.Equal(ObjectiveCatalog.Names.Order(), documented.Select(method => method.name).Order());
        Assert.All(documented, method =>
        {
            var objective = ObjectiveCatalog.ByName(method.name);
            Assert.Equal(objective.NeedsNaturalTeacher ? "two" : objective.NeedsTeacher ? "one" : "none", method.Teachers);
        });
    }

    [Fact]
    public void The_table_of_attacks_has_all_of_them_with_their_norms()
    {
        var documented = Rows("docs/threat-models.md").Where(row => row.Length == 4)
            .SelectMany(row => Names(row[0])
                .Select(name => (name, Norms: Enum.GetValues<Norm>().Where(norm => row[1 + (int)norm].Trim() != ""))))
            .ToArray();
        Assert.Empty(AttackCatalog.Names.Select(Family).Except(documented.Select(attack => Family(attack.name))));
        Assert.All(documented, attack =>
            Assert.Equal(AttackCatalog.ByName(attack.name.Replace("N", "2")).Norms.Order(), attack.Norms.Order()));

        static string Family(string name) => name.Split("-N")[0];
    }
}
