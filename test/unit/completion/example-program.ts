/** A program with every kind of thing that is completed, as the real one has them. */
import { Argument, Command, Option } from 'commander';

export function exampleProgram(): Command {
  const program = new Command('fleet').option('--context <file>', "Where the fleet's settings are");
  const addressed = (command: Command): Command =>
    command
      .option('--where <expression>', "Nodes for which this holds; it's about facts")
      .option('--node <name>', 'Nodes by name')
      .addOption(new Option('-o, --output <format>', 'Format').choices(['table', 'json', 'yaml']))
      .option('-v, --verbose', 'Say more');
  addressed(program.command('ping').description('Who is out there. More here.'));
  addressed(program.command('facts').description('Facts').argument('[path...]'));
  addressed(program.command('run').description('Run a task').argument('<task>').argument('[parameters...]'));
  addressed(program.command('exec').description('Run a program').argument('<cmd...>')).option('--cwd <folder>');
  addressed(program.command('inventory').description("What's known").argument('[node]'));
  const task = program.command('task').description('Tasks');
  task.command('list').description('All of them');
  task.command('show').description('One of them: whole').argument('<task>');
  program
    .command('completion')
    .description('A script for a shell')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']));
  program.command('__complete <kind> [prefix]', { hidden: true });
  return program;
}
